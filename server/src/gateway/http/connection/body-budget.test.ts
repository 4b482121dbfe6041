import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { BodyBudget } from './body-budget.js';
import { collectBody } from './body-limit.js';

const BUSY = { code: 'server.uploads_busy', retryAfterMs: 2000 };

describe('BodyBudget', () => {
  it('refuses what would make all arriving bodies too large together, and takes it later', () => {
    const budget = new BodyBudget(100, 50);
    const [first, second] = [budget.open(), budget.open()];
    first.take(50);
    second.take(40);
    expect(() => second.take(11)).toThrow(expect.objectContaining(BUSY) as Error);
    second.take(10);
    first[Symbol.dispose]();
    second.take(50);
    expect(() => budget.open().take(1)).toThrow('body_memory_limit_bytes');
  });

  it('gives back what a request took, once', () => {
    const budget = new BodyBudget(10, 1);
    for (let n = 0; n < 5; n += 1) {
      const claim = budget.open();
      claim.take(10);
      claim[Symbol.dispose]();
      claim[Symbol.dispose]();
    }
    const last = budget.open();
    last.take(10);
    expect(() => last.take(1)).toThrow();
  });

  it('always has room for one body of the largest allowed size', () => {
    expect(() => new BodyBudget(10, 1000).open().take(1000)).not.toThrow();
  });

  it('is asked for every chunk of a body, and leaves a refused one unread', async () => {
    const budget = new BodyBudget(100, 50);
    using other = budget.open();
    other.take(95);
    using claim = budget.open();
    const body = new PassThrough();
    const collected = collectBody(body, 50, claim);
    body.write(Buffer.alloc(5));
    body.write(Buffer.alloc(5));
    await expect(collected).rejects.toMatchObject(BUSY);
    expect(body.destroyed).toBe(false);
    expect(body.isPaused()).toBe(true);
  });
});

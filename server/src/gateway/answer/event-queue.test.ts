import { expect, it } from 'vitest';
import { EventQueue } from './event-queue.js';
import { deathOf, doneOf, tokenOf } from './message.fixture.js';

it('gives events in their order, also long runs of them', async () => {
  const queue = new EventQueue();
  const events = Array.from({ length: 5000 }, (_, i) => tokenOf(String(i)));
  for (const event of events) queue.push(event);
  for (const event of events) expect(await queue.take()).toBe(event);
});

it('lets a taker wait for an event', async () => {
  const queue = new EventQueue();
  const taken = queue.take();
  queue.push(tokenOf('x'));
  expect(await taken).toEqual(tokenOf('x'));
});

it('interrupts behind what it holds, and stays interrupted by the first reason', async () => {
  const queue = new EventQueue();
  const death = deathOf('r');
  queue.push(doneOf());
  queue.interrupt({ kind: 'lost', death });
  queue.interrupt({ kind: 'shutdown' });
  queue.push(tokenOf('late'));
  expect(await queue.take()).toEqual(doneOf());
  expect(await queue.take()).toEqual({ kind: 'lost', death });
  expect(await queue.take()).toEqual({ kind: 'lost', death });
});

it('overflows when nobody takes, and holds no more than its limit', async () => {
  const queue = new EventQueue();
  const megabyte = tokenOf('x'.repeat(1024 * 1024));
  for (let i = 0; i < 10; i += 1) queue.push(megabyte);
  const kinds: string[] = [];
  for (let item = await queue.take(); ; item = await queue.take()) {
    kinds.push(item.kind);
    if (item.kind !== 'token') break;
  }
  expect(kinds).toEqual(['token', 'token', 'token', 'overflow']);
});

it('counts log probabilities as memory that a slow client holds', async () => {
  const queue = new EventQueue();
  const ranked = { bytes: Uint8Array.of(120), logprob: -1 };
  const top = Array.from({ length: 19 }, () => ranked);
  const logprobs = Array.from({ length: 1000 }, () => ({ ...ranked, top }));
  // 1,000 tokens with 20 alternatives each are 1.28 million characters; four of them are too many.
  for (let i = 0; i < 4; i += 1) queue.push({ ...tokenOf('x'), logprobs });
  for (let i = 0; i < 3; i += 1) expect((await queue.take()).kind).toBe('token');
  expect((await queue.take()).kind).toBe('overflow');
});

it('never overflows while somebody takes', async () => {
  const queue = new EventQueue();
  const megabyte = tokenOf('x'.repeat(1024 * 1024));
  for (let i = 0; i < 100; i += 1) {
    queue.push(megabyte);
    expect(await queue.take()).toBe(megabyte);
  }
});

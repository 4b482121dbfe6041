import { describe, expect, it } from 'vitest';
import { errorBodySchema } from 'takeoff-wire';
import type { GroupView } from '../../answer/consumer-group.js';
import { managementApp } from '../management-app.fixture.js';

const group = (name: string, isReady: boolean, readerCount = 1): GroupView => ({
  name,
  isReady,
  failure: null,
  readerCount,
});

/** The status of a health route, and the error of a refusal. */
async function ask(url: string, groups: readonly GroupView[], isDraining = false) {
  const app = await managementApp({
    readers: { readers: () => [], groups: () => groups },
    isDraining: () => isDraining,
  });
  const { statusCode, payload, headers } = await app.inject(url);
  await app.close();
  if (statusCode === 200) return { statusCode };
  return {
    statusCode,
    ...errorBodySchema.parse(JSON.parse(payload)).error,
    retryAfter: headers['retry-after'],
  };
}

const failed = (name: string): GroupView => ({ ...group(name, false), failure: 'checkpoint.missing' });
/** Without Retry-After: waiting is of no use. */
const FAILED = { statusCode: 503, code: 'group.failed', retryAfter: undefined };

const READY = { statusCode: 200 };

describe('/livez', () => {
  it('is 200 without readers and while the server shuts down: a restart would mend neither', async () => {
    expect(await ask('/livez', [])).toEqual(READY);
    expect(await ask('/livez', [failed('a')], true)).toEqual(READY);
  });
});

describe('/healthz', () => {
  it('is 200 when at least one group takes requests', async () => {
    expect(await ask('/healthz', [group('a', false), group('b', true)])).toEqual(READY);
  });

  it('says that no group ever will, once all have failed for good', async () => {
    expect(await ask('/healthz', [failed('a'), failed('b')])).toMatchObject(FAILED);
    expect(await ask('/healthz', [failed('a'), group('b', false)])).toMatchObject({
      code: 'server.not_ready',
    });
    expect(await ask('/healthz', [failed('a'), group('b', true)])).toEqual(READY);
  });

  it('is 503 when none does, or the server shuts down', async () => {
    for (const groups of [[], [group('a', false)]]) {
      expect(await ask('/healthz', groups)).toMatchObject({ statusCode: 503, code: 'server.not_ready' });
    }
    expect(await ask('/healthz', [group('a', true)], true)).toMatchObject({ statusCode: 503 });
  });
});

describe('/readyz', () => {
  it('is 200 when every group takes requests that has a reader', async () => {
    expect(await ask('/readyz', [group('a', true), group('b', true)])).toEqual(READY);
    expect(await ask('/readyz', [group('a', true), group('reserved', false, 0)])).toEqual(READY);
  });

  it('is 503 otherwise and names the groups that do not', async () => {
    const groups = [group('a', true), group('b', false), group('c', false)];
    expect(await ask('/readyz', groups)).toEqual({
      statusCode: 503,
      code: 'server.not_ready',
      message: 'No reader is live in these consumer groups: "b", "c". /status shows how far they are.',
      retryAfter: '1',
    });
    expect(await ask('/readyz', [group('reserved', false, 0)])).toMatchObject({ statusCode: 503 });
    expect(await ask('/readyz', [group('a', true)], true)).toMatchObject({ statusCode: 503 });
  });

  it('says that a group never will, with the code of why, once it has failed for good', async () => {
    for (const url of ['/readyz', '/readyz?consumer_group=b']) {
      const answer = await ask(url, [group('a', false), failed('b')]);
      expect(answer).toMatchObject(FAILED);
      expect(answer).toHaveProperty(
        'message',
        expect.stringContaining('"b" cannot be served (checkpoint.missing)'),
      );
    }
    expect(await ask('/readyz?consumer_group=a', [group('a', true), failed('b')])).toEqual(READY);
  });

  it('tells of one group when it is asked for one', async () => {
    const groups = [group('a', true), group('b & c', false)];
    expect(await ask('/readyz?consumer_group=a', groups)).toEqual(READY);
    const absent = { statusCode: 503, code: 'group.unavailable' };
    expect(await ask('/readyz?consumer_group=b%20%26%20c', groups)).toMatchObject({
      ...absent,
      message: 'No reader of consumer group "b & c" is live. /status shows how far it is.',
    });
    expect(await ask('/readyz?consumer_group=none', groups)).toMatchObject(absent);
    expect(await ask('/readyz?consumer_group=a', groups, true)).toMatchObject({ code: 'server.not_ready' });
  });

  it('refuses a group that is named twice', async () => {
    const answer = await ask('/readyz?consumer_group=a&consumer_group=a', [group('a', true)]);
    expect(answer).toMatchObject({ statusCode: 400, code: 'request.out_of_range' });
  });
});

import { InvalidInputError, TakeoffApiError, TakeoffConnectionError } from 'takeoff-client';
import { describe, expect, it } from 'vitest';
import { describeAll, type DescribeAllOptions } from './describe-all.js';
import type { Description, Failure } from './outcome.js';

const died = () => new TakeoffApiError('reader.died', 'It died.', { status: 503 });
const refused = () => new TakeoffConnectionError('client.connection_refused', 'Nobody there.');
const broken = () => new TakeoffApiError('image.undecodable', 'It is broken.', { status: 400 });
const denied = () => new TakeoffApiError('auth.required', 'No key.', { status: 401 });

const description = (path: string): Description => ({
  path,
  text: path,
  finishReason: 'stop',
  promptTokens: 1,
  imageTokens: 1,
  generatedTokens: 1,
});

/** `ask` rejects with the listed errors of an image, one after the other, and then succeeds. */
function scene(
  count: number,
  errors: Readonly<Record<string, Error[]>> = {},
  more: Partial<DescribeAllOptions> = {},
) {
  const seen = { described: [] as string[], failed: [] as Failure[], waits: 0, inFlight: 0, mostInFlight: 0 };
  const options: DescribeAllOptions = {
    images: (async function* () {
      for (let n = 0; n < count; n += 1) yield `${n}`;
    })(),
    concurrency: 3,
    ask: async (path) => {
      seen.inFlight += 1;
      seen.mostInFlight = Math.max(seen.mostInFlight, seen.inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      seen.inFlight -= 1;
      const error = errors[path]?.shift();
      if (error !== undefined) throw error;
      return description(path);
    },
    output: {
      describe: ({ path }) => Promise.resolve(void seen.described.push(path)),
      fail: (failure) => Promise.resolve(void seen.failed.push(failure)),
    },
    patience: { wait: () => Promise.resolve(void (seen.waits += 1)), noteAnswer: () => undefined },
    onSettled: () => undefined,
    stop: new AbortController().signal,
    ...more,
  };
  return { seen, run: () => describeAll(options) };
}

describe('describeAll', () => {
  it('settles every image once, with at most `concurrency` requests in flight', async () => {
    const { seen, run } = scene(50);
    await run();
    expect(seen.described.sort()).toEqual(Array.from({ length: 50 }, (_, n) => `${n}`).sort());
    expect(seen.mostInFlight).toBe(3);
  });

  it('lists an image as failed that cannot be described, and goes on with the others', async () => {
    const { seen, run } = scene(5, { 2: [broken()], 3: [new InvalidInputError('cannot be read')] });
    await run();
    expect(seen.described).toHaveLength(3);
    expect(seen.failed.map(({ path, code }) => [path, code])).toEqual([
      ['2', 'image.undecodable'],
      ['3', 'client.invalid_input'],
    ]);
    expect(seen.waits).toBe(0);
  });

  it('repeats a request until the server that was away is back', async () => {
    const { seen, run } = scene(2, { 0: Array.from({ length: 40 }, refused) });
    await run();
    expect(seen.described.sort()).toEqual(['0', '1']);
    expect(seen.waits).toBe(40);
  });

  it('lists an image as failed whose requests broke the server five times', async () => {
    const { seen, run } = scene(3, {
      1: Array.from({ length: 9 }, died),
      2: [died(), died(), refused(), died()],
    });
    await run();
    expect(seen.described.sort()).toEqual(['0', '2']);
    expect(seen.failed).toEqual([{ path: '1', code: 'reader.died', message: 'It died.' }]);
  });

  it('ends the run at a failure that every image would meet, after the requests in flight', async () => {
    const { seen, run } = scene(50, { 1: [denied()] });
    await expect(run()).rejects.toMatchObject({ code: 'auth.required' });
    expect(seen.described.length).toBeLessThan(4);
    expect(seen.inFlight).toBe(0);
  });

  it('ends the run when the output cannot be written', async () => {
    const full = new TypeError('disk full');
    const { run } = scene(
      5,
      {},
      { output: { describe: () => Promise.reject(full), fail: () => Promise.resolve() } },
    );
    await expect(run()).rejects.toBe(full);
  });

  it('begins no image after a stop and leaves waiting ones to the next run', async () => {
    const stop = new AbortController();
    const wait = () => {
      stop.abort();
      return Promise.reject(new DOMException('stopped', 'AbortError'));
    };
    const { seen, run } = scene(
      50,
      { 0: [refused()] },
      { stop: stop.signal, patience: { wait, noteAnswer: () => undefined } },
    );
    await run();
    expect(seen.described).not.toContain('0');
    expect(seen.described.length).toBeLessThan(6);
    expect(seen.failed).toEqual([]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Defect, InputError } from '../../errors.js';
import type { DecodeJob } from './decoder/messages.js';
import { createDecoderPool, type DecoderPool, type DecoderPoolOptions } from './decoder-pool.js';
import { DecoderProcess } from './decoder-process.js';

// Children that do as the job's first byte says: 0 answers, 1 crashes, 2 hangs, 3 talks nonsense, 4 refuses, 5 says it has grown.
const folder = mkdtempSync(join(tmpdir(), 'takeoff-decoder-'));
const program = join(folder, 'child.mjs');
writeFileSync(
  program,
  `process.on('disconnect', () => process.exit(0));
  process.on('message', ({ bytes }) => {
    const done = { kind: 'decoded', widthPx: 1, heightPx: 1, tiles: new Uint8Array([process.pid % 256]), residentBytes: 1 };
    switch (bytes[0]) {
      case 0: return process.send(done);
      case 1: return process.kill(process.pid, 'SIGSEGV');
      case 2: return;
      case 3: return process.send({ kind: 'decoded', tiles: 'x' });
      case 4: return process.send({ kind: 'refused', code: 'image.too_large', message: 'No.' });
      case 5: return process.send({ ...done, residentBytes: 2 ** 40 });
    }
  });
  process.send({ kind: 'ready' });`,
);
const broken = join(folder, 'broken.mjs');
writeFileSync(broken, `throw new TypeError('no such library');`);

const job = (behaviour: number): DecodeJob => ({
  kind: 'decode',
  bytes: Uint8Array.of(behaviour),
  format: 'png',
  maxImagePixels: 1,
  form: {
    sidePx: 1,
    patchPx: 1,
    aspect: 'pad',
    gridPinpoints: [],
    mergeType: 'flat',
    keepsClassToken: false,
    mean: [0, 0, 0],
    std: [1, 1, 1],
  },
});
const [ANSWER, CRASH, HANG, NONSENSE, REFUSE, GROW] = [0, 1, 2, 3, 4, 5];
const never = new AbortController().signal;
const clientLeft = new InputError('request.timeout', 'The client left.');

const pools: DecoderPool[] = [];
const started: DecoderProcess[] = [];
function pool(options: Partial<DecoderPoolOptions> = {}): DecoderPool {
  const start = (): DecoderProcess => {
    const process = new DecoderProcess(program);
    started.push(process);
    return process;
  };
  const made = createDecoderPool({ decoders: 1, start, ...options });
  pools.push(made);
  return made;
}
const isAlive = (pid: number | undefined): boolean => {
  try {
    return process.kill(pid ?? 0, 0);
  } catch {
    return false;
  }
};
const pids = (): (number | undefined)[] => started.map(({ pid }) => pid);

afterEach(async () => {
  await Promise.all(pools.splice(0).map((made) => made.destroy(new Defect('The test is over.'))));
  expect(pids().filter(isAlive)).toEqual([]);
  started.splice(0);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a decoder pool', () => {
  it('starts no child before the first job and keeps it for the next', async () => {
    const made = pool({ decoders: 2 });
    expect(started).toHaveLength(0);
    const first = await made.decode(job(ANSWER), never);
    const second = await made.decode(job(ANSWER), never);
    expect(started).toHaveLength(1);
    expect(second.tiles).toEqual(first.tiles);
  });

  it('starts one child ahead of the first job, which gets it', async () => {
    const decoders = pool({ decoders: 2 });
    decoders.prepare();
    decoders.prepare();
    expect(started).toHaveLength(1);
    await decoders.decode(job(ANSWER), never);
    decoders.prepare();
    expect(started).toHaveLength(1);
  });

  it('starts no child ahead once it is closed, and tells the operator where none can be started', async () => {
    const failures: unknown[] = [];
    const unable = pool({
      start: () => {
        throw new RangeError('no processes left');
      },
      onStartFailure: (error) => failures.push(error),
    });
    unable.prepare();
    expect(failures).toEqual([new RangeError('no processes left')]);
    const closed = pool();
    await closed.close();
    closed.prepare();
    expect(started).toEqual([]);
  });

  it('runs as many jobs at once as it has children', async () => {
    const made = pool({ decoders: 2 });
    const client = new AbortController();
    const hanging = made.decode(job(HANG), client.signal);
    await expect(made.decode(job(ANSWER), never)).resolves.toMatchObject({ widthPx: 1 });
    expect(made.load).toEqual({ running: 1, waiting: 0 });
    client.abort(clientLeft);
    await expect(hanging).rejects.toBe(clientLeft);
  });

  it.each([
    ['that crashes', CRASH],
    ['that talks nonsense', NONSENSE],
  ])('loses one job to a child %s, and serves the next with a new one', async (_, behaviour) => {
    const made = pool();
    const [failed, served] = await Promise.allSettled([
      made.decode(job(behaviour), never),
      made.decode(job(ANSWER), never),
    ]);
    expect(failed).toMatchObject({ status: 'rejected', reason: { code: 'image.undecodable' } });
    expect(served.status).toBe('fulfilled');
    expect(started).toHaveLength(2);
  });

  it('kills a child that passes the deadline, naming the setting', async () => {
    // The job after it has the same deadline, and keeps it on a busy machine.
    const made = pool({ decodeTimeoutMs: 3000 });
    const error: unknown = await made.decode(job(HANG), never).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'image.decode_timeout', details: { allowed: 3000 } });
    expect(String(error)).toContain('image_decode_timeout_ms');
    await expect(made.decode(job(ANSWER), never)).resolves.toBeDefined();
  });

  it('passes a refusal on and keeps the child', async () => {
    const made = pool();
    await expect(made.decode(job(REFUSE), never)).rejects.toThrow(new InputError('image.too_large', 'No.'));
    await made.decode(job(ANSWER), never);
    expect(started).toHaveLength(1);
  });

  it('replaces a child that has grown', async () => {
    const made = pool();
    await expect(made.decode(job(GROW), never)).resolves.toBeDefined();
    await made.decode(job(ANSWER), never);
    expect(started).toHaveLength(2);
  });

  it('refuses a job when the queue is full', async () => {
    const made = pool({ maxWaiting: 1 });
    const client = new AbortController();
    const running = made.decode(job(HANG), client.signal);
    const waiting = made.decode(job(ANSWER), never);
    expect(made.load).toEqual({ running: 1, waiting: 1 });
    await expect(made.decode(job(ANSWER), never)).rejects.toMatchObject({
      code: 'image.decoder_busy',
      retryAfterMs: 1000,
    });
    client.abort(clientLeft);
    await expect(running).rejects.toBe(clientLeft);
    await expect(waiting).resolves.toBeDefined();
  });

  it('refuses a job that waited too long', async () => {
    const made = pool({ maxWaitMs: 20, decodeTimeoutMs: 10_000 });
    const running = made.decode(job(HANG), never).catch((error: unknown) => error);
    await expect(made.decode(job(ANSWER), never)).rejects.toMatchObject({ code: 'image.decoder_busy' });
    expect(made.load).toEqual({ running: 1, waiting: 0 });
    const reason = new InputError('image.undecodable', 'Enough.');
    await made.destroy(reason);
    expect(await running).toBe(reason);
  });

  it('drops a waiting job whose client left, without touching the child', async () => {
    const made = pool({ decodeTimeoutMs: 100 });
    const running = made.decode(job(HANG), never);
    // Awaited only after the other one.
    running.catch(() => undefined);
    const client = new AbortController();
    const waiting = made.decode(job(ANSWER), client.signal);
    client.abort(clientLeft);
    await expect(waiting).rejects.toBe(clientLeft);
    expect(made.load).toEqual({ running: 1, waiting: 0 });
    await expect(running).rejects.toMatchObject({ code: 'image.decode_timeout' });
  });

  it('ends a running job whose client left, and its child', async () => {
    const made = pool();
    await made.decode(job(ANSWER), never);
    const client = new AbortController();
    const running = made.decode(job(HANG), client.signal);
    // A turn of the event loop: the job is with the child.
    await new Promise((resolve) => setImmediate(resolve));
    client.abort(clientLeft);
    await expect(running).rejects.toBe(clientLeft);
    await made.decode(job(ANSWER), never);
    expect(started).toHaveLength(2);
  });

  it('starts nothing for a client that left before', async () => {
    await expect(pool().decode(job(ANSWER), AbortSignal.abort(clientLeft))).rejects.toBe(clientLeft);
    expect(started).toHaveLength(0);
  });

  it('finishes accepted jobs on close and takes no more', async () => {
    const made = pool();
    const accepted = [made.decode(job(ANSWER), never), made.decode(job(ANSWER), never)];
    const closing = [made.close(), made.close()];
    await expect(made.decode(job(ANSWER), never)).rejects.toMatchObject({ code: 'server.draining' });
    await Promise.all(closing);
    expect(await Promise.allSettled(accepted)).toMatchObject([
      { status: 'fulfilled' },
      { status: 'fulfilled' },
    ]);
    expect(pids().filter(isAlive)).toEqual([]);
  });

  it('starts another child for a job whose first one did not start', async () => {
    const failures: unknown[] = [];
    const programs = [broken, program];
    const made = pool({
      start: () => new DecoderProcess(programs.shift()),
      onStartFailure: (error) => failures.push(error),
    });
    await expect(made.decode(job(ANSWER), never)).resolves.toMatchObject({ widthPx: 1 });
    expect(failures).toHaveLength(1);
  });

  it('refuses a job as one that may succeed later when no child starts, and tells the operator why', async () => {
    const failures: unknown[] = [];
    const made = pool({
      start: () => new DecoderProcess(broken),
      onStartFailure: (error) => failures.push(error),
    });
    const error: unknown = await made.decode(job(ANSWER), never).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'image.decoder_failed', retryAfterMs: 1000 });
    expect(String(error)).not.toContain('no such library');
    expect(failures.map(String)).toEqual(
      Array.from({ length: 2 }, (): unknown => expect.stringContaining('no such library')),
    );
    expect(made.load).toEqual({ running: 0, waiting: 0 });
  });

  it('bears a machine that cannot start processes at all', async () => {
    const made = pool({
      start: () => {
        throw new TypeError('spawn ENOMEM');
      },
    });
    await expect(made.decode(job(ANSWER), never)).rejects.toMatchObject({ code: 'image.decoder_failed' });
  });
});

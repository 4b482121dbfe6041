// A caller that aborts: the server stops working on the answer, whatever stage it had reached, and nothing of the call keeps the
// caller's program running.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { TakeoffClient } from 'takeoff-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { ROOT, runProgram } from './page-examples.js';

const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-abort-'));
let server: RunningServer;
let client: TakeoffClient;
beforeAll(async () => {
  server = await RunningServer.start({ args: ['--repository-path', cache, '--max-batch-size', '1'] });
  client = clientAt(Number(new URL(server.url).port));
});
afterAll(async () => {
  await server.stop();
  rmSync(cache, { recursive: true });
});

const clientAt = (port: number): TakeoffClient =>
  new TakeoffClient({
    baseUrl: 'http://127.0.0.1',
    port,
    managementPort: Number(new URL(server.managementUrl).port),
    retries: 0,
  });

/** A request that would run for minutes: one slot, many prompts, each answer as long as the context. */
const LONG = Array.from({ length: 900 }, (_, i) => `USER: ${i}\nASSISTANT:`);
const LONG_OPTIONS = { maxNewTokens: 1900, minNewTokens: 1900 };

async function openPrompts(): Promise<number> {
  const { status } = await client.managementStatus();
  return Object.values(status.live_readers).reduce((sum, reader) => sum + reader.open_prompts, 0);
}
const untilOpen = (expected: (count: number) => boolean): Promise<unknown> =>
  expect.poll(async () => expected(await openPrompts()), { interval: 5 }).toBe(true);

/** Longest time until an abort has taken effect. A step of the demo model takes milliseconds; the rest is for a busy machine. */
const STEP_MS = 10_000;
async function expectFree(): Promise<void> {
  const start = performance.now();
  await untilOpen((count) => count === 0);
  expect(performance.now() - start).toBeLessThan(STEP_MS);
  // The one slot is free for the next request.
  await client.generate('USER: Hello.\nASSISTANT:', { maxNewTokens: 1 });
}

describe('the server stops working on a call', () => {
  it('that is aborted before the answer begins', async () => {
    const controller = new AbortController();
    const call = client.generate(LONG, { ...LONG_OPTIONS, signal: controller.signal });
    await untilOpen((count) => count > 0);
    controller.abort();
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    await expectFree();
  });

  it('that is aborted in the middle of a stream', async () => {
    const controller = new AbortController();
    const reason = new RangeError('enough');
    const stream = client.generateStream(LONG, { ...LONG_OPTIONS, signal: controller.signal });
    let pieces = 0;
    await expect(
      (async () => {
        for await (const { text } of stream) if (text !== '' && ++pieces === 3) controller.abort(reason);
      })(),
    ).rejects.toBe(reason);
    expect(pieces).toBe(3);
    await expectFree();
  });

  it('whose loop over the stream is left', async () => {
    for await (const { batchId } of client.generateStream(LONG, LONG_OPTIONS)) {
      expect(batchId).toBe(0);
      break;
    }
    await expectFree();
  });

  it('that ends by its timeoutMs', async () => {
    const call = client.generate(LONG, { ...LONG_OPTIONS, timeoutMs: 200 });
    await expect(call).rejects.toMatchObject({ code: 'client.timeout' });
    await expectFree();
  });

  it('that is aborted while its image is being uploaded', async () => {
    const gate = await narrowGate(Number(new URL(server.url).port), 64 * 1024);
    const controller = new AbortController();
    const chart = readFileSync(path.join(ROOT, 'models/demo/images/chart.png'));
    const image = new Blob([chart, new Uint8Array(8 * 1024 * 1024)]);
    const call = clientAt(gate.port).generate('a', { image, signal: controller.signal });
    await gate.isFull;
    controller.abort();
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
    gate.readToNowhere();
    // The request never reached a reader, and its connection is gone.
    await gate.isLeft;
    expect(await openPrompts()).toBe(0);
    await gate.close();
    await expectFree();
  });
});

/** A proxy in front of the server that takes `byteLimit` bytes of a request and then stops reading. */
async function narrowGate(serverPort: number, byteLimit: number) {
  let tell = { isFull: (): void => undefined, isLeft: (): void => undefined };
  const isFull = new Promise<void>((resolve) => (tell = { ...tell, isFull: resolve }));
  const isLeft = new Promise<void>((resolve) => (tell = { ...tell, isLeft: resolve }));
  const sockets: Socket[] = [];
  const gate = createServer((incoming) => {
    const outgoing = connect(serverPort, '127.0.0.1');
    sockets.push(incoming, outgoing);
    let bytes = 0;
    incoming.on('data', (chunk: Buffer) => {
      if (bytes >= byteLimit) return;
      bytes += chunk.length;
      outgoing.write(chunk);
      if (bytes < byteLimit) return;
      incoming.pause();
      tell.isFull();
    });
    outgoing.pipe(incoming);
    const leave = (): void => {
      outgoing.destroy();
      tell.isLeft();
    };
    incoming.on('error', leave).on('close', leave);
    outgoing.on('error', () => incoming.destroy());
  }).listen(0, '127.0.0.1');
  await once(gate, 'listening');
  const { port } = gate.address() as AddressInfo;
  const close = async (): Promise<void> => {
    sockets.forEach((socket) => socket.destroy());
    gate.close();
    await once(gate, 'close');
  };
  // A socket notices that its peer has closed only while it is read.
  const readToNowhere = (): void => sockets.forEach((socket) => socket.resume());
  return { port, isFull, isLeft, readToNowhere, close };
}

describe('a program that uses the client ends by itself', () => {
  const HEAD = `
    import { TakeoffClient } from 'takeoff-client';
    const client = new TakeoffClient({ retries: 0 });
    const long = { maxNewTokens: 1900, minNewTokens: 1900 };
    const texts = Array.from({ length: 900 }, (_, i) => 'USER: ' + i);
    const image = 'models/demo/images/chart.png';`;

  it.each([
    [
      'after an answer',
      `console.log((await client.generate('a', { maxNewTokens: 1, image })).text.length > 0);`,
    ],
    ['after a whole stream', `console.log((await client.generateStream('a', { image })).text.length > 0);`],
    [
      'after a stream that it left',
      `for await (const { text } of client.generateStream(texts, long)) { console.log(text.length > 0); break; }`,
    ],
    [
      'after a call that it aborted before its answer',
      `await client.generate(texts, { ...long, signal: AbortSignal.timeout(300) }).catch((e) => console.log(e.name === 'TimeoutError'));`,
    ],
    [
      'after a call that it aborted before it was sent',
      `await client.generate(texts, { signal: AbortSignal.abort() }).catch((e) => console.log(e.name === 'AbortError'));`,
    ],
    [
      'after a stream that its signal ended',
      `const c = new AbortController();
       try { for await (const _ of client.generateStream(texts, { ...long, signal: c.signal })) c.abort(); }
       catch (e) { console.log(e.name === 'AbortError'); }`,
    ],
    [
      'after a call that the server refused',
      `await client.generate([]).catch((e) => console.log(e.code === 'request.batch_empty'));`,
    ],
    [
      'with a stream that it never iterated',
      `client.generateStream(texts, long)[Symbol.asyncIterator](); console.log(true);`,
    ],
    [
      'with a signal and a timeout that were never used',
      `const c = new AbortController();
       await client.generate('a', { maxNewTokens: 1, signal: c.signal, timeoutMs: 600000 }); console.log(true);`,
    ],
  ])('%s', async (_, code) => {
    expect(await runProgram(HEAD + code, server)).toEqual({ code: 0, out: 'true\n', err: '' });
    await expectFree();
  });
});

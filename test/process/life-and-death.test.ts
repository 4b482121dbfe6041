// Clients that go away, readers that die, gateways that are killed: what is freed, what is told, what is left behind.
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { eventsOf, jsonRequest } from './requests.js';

const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-process-'));
afterAll(() => rmSync(cache, { recursive: true }));

/** For a test that starts a server of its own on a machine with much else to do. */
const SLOWEST_MS = 180_000;

/** Would run for minutes: many prompts, each with many tokens, one at a time. */
const LONG = {
  text: Array.from({ length: 900 }, (_, i) => `USER: ${i}\nASSISTANT:`),
  max_new_tokens: 1900,
  min_new_tokens: 1900,
};
const SHORT = { text: 'USER: Hello.\nASSISTANT:', max_new_tokens: 2 };

const start = (...more: string[]): Promise<RunningServer> =>
  RunningServer.start({ args: ['--repository-path', cache, '--max-batch-size', '1', ...more] });

const pidOf = (running: RunningServer, name: string): number => {
  const found = running.processes().find((process) => process.name === name);
  if (found === undefined) throw new TypeError(`no ${name} is running`);
  return found.pid;
};
/** Rejects when the stream breaks instead of ending. */
async function readAll<Event>(events: AsyncIterable<Event>): Promise<Event[]> {
  const read: Event[] = [];
  for await (const event of events) read.push(event);
  return read;
}
const isGone = (pid: number): boolean => !existsSync(`/proc/${pid}`);

describe.runIf(process.platform === 'linux')('a server that lives on', () => {
  let running: RunningServer;
  beforeAll(async () => {
    running = await start();
  });
  afterAll(() => running.stop());

  it(
    'stops generating when a streaming client goes away: the one slot is free for the next request',
    async () => {
      const client = new AbortController();
      const stream = await fetch(`${running.url}/generate_stream`, jsonRequest(LONG, client.signal));
      await eventsOf(stream).next();
      client.abort();
      const next = await fetch(`${running.url}/generate`, jsonRequest(SHORT));
      expect(next.status).toBe(200);
    },
    SLOWEST_MS,
  );

  it(
    'stops generating when a waiting client goes away',
    async () => {
      const client = new AbortController();
      const waiting = fetch(`${running.url}/generate`, jsonRequest(LONG, client.signal)).catch(
        (error: unknown) => error,
      );
      const second = fetch(`${running.url}/generate`, jsonRequest(SHORT));
      client.abort();
      expect(await waiting).toHaveProperty('name', 'AbortError');
      expect((await second).status).toBe(200);
    },
    SLOWEST_MS,
  );

  it(
    'ends a stream with an error event when its reader is killed, and answers again after the restart',
    async () => {
      const stream = await fetch(`${running.url}/generate_stream`, jsonRequest(LONG));
      const events = eventsOf(stream);
      await events.next();
      const reader = pidOf(running, 'reader');
      process.kill(reader, 'SIGKILL');
      const errors: unknown[] = [];
      for await (const { name, data } of events) if (name === 'error') errors.push(JSON.parse(data));
      expect(errors.length).toBeGreaterThan(0);
      expect(errors[0]).toMatchObject({ error: { code: 'reader.died' } });
      await running.until(() => running.isReady(), 60_000);
      expect(pidOf(running, 'reader')).not.toBe(reader);
      expect((await fetch(`${running.url}/generate`, jsonRequest(SHORT))).status).toBe(200);
    },
    SLOWEST_MS,
  );
});

describe.runIf(process.platform === 'linux')('a server', () => {
  let own: RunningServer | undefined;
  afterEach(async () => {
    own?.child.kill('SIGKILL');
    await own?.stop();
  });
  const startOwn = async (...settings: string[]): Promise<RunningServer> => (own = await start(...settings));

  it(
    'ends and replaces a reader that hangs',
    async () => {
      const running = await startOwn('--reader-message-timeout-ms', '2000');
      const events = eventsOf(await fetch(`${running.url}/generate_stream`, jsonRequest(LONG)));
      await events.next();
      const reader = pidOf(running, 'reader');
      process.kill(reader, 'SIGSTOP');
      const errors: unknown[] = [];
      for await (const { name, data } of events) if (name === 'error') errors.push(JSON.parse(data));
      expect(errors[0]).toMatchObject({ error: { code: expect.stringMatching(/^reader\./u) as string } });
      await running.until(() => isGone(reader), 20_000);
      await running.until(() => running.isReady(), 60_000);
      // On a busy machine its last heartbeat may have come later than its last step.
      expect(running.output).toMatch(
        /(?:it said nothing|its engine made no step) for 5000 ms \(reader_message_timeout_ms\)/u,
      );
      expect((await fetch(`${running.url}/generate`, jsonRequest(SHORT))).status).toBe(200);
    },
    SLOWEST_MS,
  );

  it(
    'cuts the stream instead where clients would print an error event',
    async () => {
      const running = await startOwn('--stream-error-events', 'false');
      const events = eventsOf(await fetch(`${running.url}/generate_stream`, jsonRequest(LONG)));
      await events.next();
      process.kill(pidOf(running, 'reader'), 'SIGKILL');
      const names: string[] = [];
      const reading = (async () => {
        for await (const { name } of events) names.push(name);
      })();
      await expect(reading).rejects.toThrow('terminated');
      expect(new Set(names)).not.toContain('error');
      expect((await fetch(`${running.url}/status`)).status).toBe(200);
    },
    SLOWEST_MS,
  );

  it(
    'leaves no process behind when it is killed with SIGKILL while it answers',
    async () => {
      const running = await startOwn();
      const stream = await fetch(`${running.url}/generate_stream`, jsonRequest(LONG));
      const events = eventsOf(stream);
      await events.next();
      const pids = running.processes().map(({ pid }) => pid);
      expect(pids.length).toBeGreaterThan(1);
      const exit = once(running.child, 'exit');
      running.child.kill('SIGKILL');
      await exit;
      await expect(readAll(events)).rejects.toThrow();
      await expect.poll(() => pids.every(isGone)).toBe(true);
    },
    SLOWEST_MS,
  );

  it(
    'finishes a running stream on SIGTERM, refuses new requests, and exits with 0',
    async () => {
      const running = await startOwn();
      const request = {
        text: 'USER: Hello.\nASSISTANT:',
        max_new_tokens: 1500,
        min_new_tokens: 1500,
        return_metadata: true,
      };
      const stream = await fetch(`${running.url}/generate_stream`, jsonRequest(request));
      const events = eventsOf(stream);
      await events.next();
      const stopped = running.stop();
      let last = '';
      for await (const { data } of events) last = data;
      expect(JSON.parse(last)).toMatchObject({
        metadata: { generated_tokens: 1500, finish_reason: 'length' },
      });
      expect(await stopped).toBe(0);
      // Log lines that had not been written yet are when the process ends.
      await expect.poll(() => running.output).toContain('"path":"/generate_stream","status":200');
      await expect.poll(() => running.output).toContain('is stopped');
    },
    SLOWEST_MS,
  );
});

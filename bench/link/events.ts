// A thousand tokens a second from a reader to a gateway, over child IPC and through Redis: how long each is under way, and what both
// processes spend on it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connectToReader } from 'takeoff-server/link/ipc-parent.js';
import { parseEvents } from 'takeoff-server/link/redis/messages.js';
import { OwnStreams } from 'takeoff-server/link/redis/own-streams.js';
import { readRedisAddress } from 'takeoff-server/link/redis/redis-address.js';
import { RedisConnection } from 'takeoff-server/link/redis/redis-connection.js';

export interface EventCosts {
  /** Of each token, in milliseconds. */
  readonly delaysMs: readonly number[];
  /** Both processes, for each token. */
  readonly cpuMs: number;
}

const PROGRAM = fileURLToPath(new URL('event-source.js', import.meta.url));

/** @param url of Redis; empty for child IPC */
export async function measureEvents(url: string, steps: number): Promise<EventCosts> {
  const stream = `tk:1:{bench}:ev:${process.pid}-${performance.now()}`;
  const delaysMs: number[] = [];
  const note = (sent: string): void => {
    delaysMs.push(Number(process.hrtime.bigint() - BigInt(sent)) / 1e6);
  };
  const reading = url === '' ? undefined : readStream(url, stream, note);
  const child = fork(PROGRAM, [url, stream, String(steps)], {
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  if (url === '')
    connectToReader(child).onMessage((message) => {
      if (message.kind === 'token') note(message.text);
    });
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const before = process.cpuUsage();
  await once(child, 'close');
  const { user, system } = process.cpuUsage(before);
  await reading?.close();
  return { delaysMs, cpuMs: ((user + system) / 1_000 + Number(said)) / delaysMs.length };
}

function readStream(url: string, stream: string, note: (sent: string) => void): OwnStreams {
  const address = readRedisAddress({ url, caFile: null, certFile: null, keyFile: null });
  const streams = new OwnStreams({
    connection: new RedisConnection(address),
    streams: [stream],
    onMessage: (_stream, text) => {
      for (const item of (text === undefined ? undefined : parseEvents(text))?.items ?? [])
        if (item.kind === 'event' && item.event.kind === 'token') note(item.event.text);
    },
  });
  streams.start();
  return streams;
}

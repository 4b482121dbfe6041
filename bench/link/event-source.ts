// The reader's half of the measurement of events, as a child process: fifty answers that get a token each twenty times a second, told over
// child IPC or through Redis, with the moment of each in its text.
import { setTimeout as delay } from 'node:timers/promises';
import { readRedisAddress } from 'takeoff-server/link/redis/redis-address.js';
import { RedisConnection } from 'takeoff-server/link/redis/redis-connection.js';
import { connectToGateway } from 'takeoff-server/link/ipc-child.js';
import { Outbox } from 'takeoff-server/reader/remote/outbox.js';
import type { TokenEvent } from 'takeoff-server/link/requests/messages.js';

const ANSWERS = 50;
const STEP_MS = 50;
const READER = 'reader@bench';

const [url = '', stream = '', steps = '0'] = process.argv.slice(2);
const gateway = connectToGateway(process);
const tell = url === '' ? tellParent : await tellThroughRedis();
const before = process.cpuUsage();
const start = performance.now();
for (let step = 0; step < Number(steps); step += 1) {
  for (let answer = 0; answer < ANSWERS; answer += 1)
    tell(step, {
      kind: 'token',
      requestId: `run${answer}`,
      prompt: 0,
      text: String(process.hrtime.bigint()),
    });
  await delay(start + (step + 1) * STEP_MS - performance.now());
}
const { user, system } = process.cpuUsage(before);
// For the last ones to arrive.
setTimeout(() => {
  process.stdout.write(`${(user + system) / 1_000}\n`, () => process.exit(0));
}, 500);

function tellParent(_seq: number, event: TokenEvent): void {
  gateway.send(event);
}

async function tellThroughRedis(): Promise<(seq: number, event: TokenEvent) => void> {
  const address = readRedisAddress({ url, caFile: null, certFile: null, keyFile: null });
  const connection = await new Promise<RedisConnection>((resolve) => {
    const opened: RedisConnection = new RedisConnection(address, { onUp: () => resolve(opened) });
  });
  const outbox = new Outbox({ connection, stream, reader: READER, onOverflow: () => undefined });
  return (seq, event) => outbox.push({ kind: 'event', seq, event });
}

// The program of a reader process. Started by the gateway with an IPC channel: the secrets come first, then the message that says
// which model to serve. When the channel closes, the gateway is gone and this process ends at once.
import { ConfigError, Defect } from '../errors.js';
import type { ReaderStart } from '../link/lifecycle/messages.js';
import { parseToReader, type FromReader } from '../link/messages.js';
import { secretsMessageSchema, type ReaderSecrets } from '../link/secrets.js';
import { openReader } from './open-reader.js';
import { explain, type ReaderServing } from './serve.js';

const EXIT_CONFIG = 2;

let serving: ReaderServing | undefined;
let isStarting = false;
let hasEnded = false;

process.once('message', (first) => {
  const given = secretsMessageSchema.safeParse(first);
  if (!given.success) {
    void end(new Defect('The gateway cannot be understood: its first message holds no secrets.'));
    return;
  }
  const { secrets } = given.data;
  process.on('message', (received) => receive(received, secrets));
});
process.once('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; the gateway decides when a reader ends.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('uncaughtException', (error) => void end(error));
process.on('unhandledRejection', (error) => void end(error));

function receive(received: unknown, secrets: ReaderSecrets): void {
  const parsed = parseToReader(received);
  if (parsed.kind === 'refused') {
    void end(new Defect(`The gateway cannot be understood: ${parsed.why}.`));
    return;
  }
  const { message } = parsed;
  if (message.kind !== 'start') {
    serving?.receive(message);
    return;
  }
  if (isStarting) return;
  isStarting = true;
  void serve(message.start, secrets);
}

function send(message: FromReader): void {
  if (process.connected) process.send?.(message);
}

async function serve(start: ReaderStart, secrets: ReaderSecrets): Promise<void> {
  try {
    serving = await openReader(start, secrets, send);
    const code = await serving.ended;
    await flushed();
    process.exit(code);
  } catch (error) {
    await end(error);
  }
}

async function end(error: unknown): Promise<void> {
  if (hasEnded) return;
  hasEnded = true;
  send({ kind: 'failed', ...explain(error) });
  await flushed();
  process.exit(error instanceof ConfigError ? EXIT_CONFIG : 1);
}

/** Resolves when everything sent so far has been handed to the channel. */
function flushed(): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || process.send === undefined) resolve();
    else process.send({ kind: 'log', level: 'debug', message: 'the reader ends' }, () => resolve());
  });
}

// The program of a reader process. Started by the gateway with an IPC channel; the first message says which model to serve.
// The channel is the leash: when it closes, the gateway is gone and this process ends at once.
import { ConfigError } from '../errors.js';
import type { FromReader, ToReader } from '../link/messages.js';
import { loadModel } from './load/load-model.js';
import { explain, serveModel, type ReaderServing } from './serve.js';

const EXIT_CONFIG = 2;

let serving: ReaderServing | undefined;
let isStarting = false;
let hasEnded = false;

// What the child's end of the channel carries is written by our own gateway.
process.on('message', (message: ToReader) => {
  if (message.kind !== 'start') {
    serving?.receive(message);
    return;
  }
  if (isStarting) return;
  isStarting = true;
  void serve(message);
});
process.once('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; the gateway decides when a reader ends.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('uncaughtException', (error) => void end(error));
process.on('unhandledRejection', (error) => void end(error));

function send(message: FromReader): void {
  if (process.connected) process.send?.(message);
}

async function serve({ start }: Extract<ToReader, { kind: 'start' }>): Promise<void> {
  try {
    const model = await loadModel(start, send);
    serving = serveModel({ start, model, send });
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

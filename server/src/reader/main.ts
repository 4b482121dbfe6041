// The program of a reader process. Started by the gateway with an IPC channel: the secrets come first, then the message that says
// which model to serve. When the channel closes, the gateway is gone and this process ends at once.
import { ConfigError, Defect } from '../errors.js';
import type { ReaderStart } from '../link/lifecycle/messages.js';
import { connectToGateway } from '../link/ipc-child.js';
import { unpack } from '../link/ipc-text.js';
import { parseToReader } from '../link/messages.js';
import { secretsMessageSchema, type ReaderSecrets } from '../link/secrets.js';
import { openReader } from './open-reader.js';
import { explain, type ReaderServing } from './serve.js';

const EXIT_CONFIG = 2;

const gateway = connectToGateway(process);

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
  const parsed = parseToReader(unpack(received));
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

async function serve(start: ReaderStart, secrets: ReaderSecrets): Promise<void> {
  try {
    serving = await openReader(start, secrets, gateway.send);
    const code = await serving.ended;
    await gateway.flushed();
    process.exit(code);
  } catch (error) {
    await end(error);
  }
}

async function end(error: unknown): Promise<void> {
  if (hasEnded) return;
  hasEnded = true;
  gateway.send({ kind: 'failed', ...explain(error) });
  await gateway.flushed();
  process.exit(error instanceof ConfigError ? EXIT_CONFIG : 1);
}

// A server for the length of one command: the gateway within this process on a free port of this machine, its readers and
// decoders as children that end with it.
import { once } from 'node:events';
import type { TakeoffConfig } from '../../config/resolve-config.js';
import { Defect } from '../../errors.js';
import { startGateway } from '../../gateway/gateway.js';
import { urlOf } from '../banner.js';
import { toGatewayConfig } from '../gateway-config.js';
import { ProgressLine } from '../progress-line.js';
import { ReaderWatch } from '../reader-watch.js';
import { createServerLog } from '../server-log.js';
import type { Terminal } from '../terminal.js';

const HOST = '127.0.0.1';

export interface OwnServer {
  readonly url: string;
  /** Rejects when no reader can ever answer again. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
}

/**
 * Resolves when a reader is live.
 * @throws ConfigError, ReaderError
 * @throws the reason of the signal
 */
export async function startOwnServer(
  config: TakeoffConfig,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<OwnServer> {
  const line = new ProgressLine(terminal);
  const { readers } = config;
  const names = readers.map(({ modelName }) => modelName).join(', ');
  terminal.err(`Starting a server for ${names}.\n`);
  const watch = new ReaderWatch({
    readers,
    terminal,
    line,
    nowMs: () => performance.now(),
  });
  let onLive: () => void = () => undefined;
  const isLive = new Promise<void>((resolve) => {
    onLive = resolve;
  });
  // Every user of this machine can reach loopback, so a configured API key stays in force.
  const server = {
    ...config.server,
    host: HOST,
    port: 0,
    managementPort: 0,
    launchOpenaiServer: false,
    playground: false,
    // Its readers are children of this process, also where those of servers are elsewhere.
    headless: false,
    redisUrl: null,
  };
  // The log goes to standard error, because standard output is for answers.
  const { log, logForms } = createServerLog(
    quieter(server.logLevel),
    { ...terminal, out: terminal.err },
    line,
  );
  const gateway = await startGateway(
    toGatewayConfig(
      { ...config, server },
      {
        log,
        logForms,
        onReaderState: (readerId, state) => {
          watch.see(readerId, state);
          if (state.kind === 'live') onLive();
        },
      },
    ),
  );
  const stop = async (): Promise<void> => {
    await gateway.destroy();
    line.clear();
  };
  try {
    await Promise.race([isLive, watch.allFailed, aborted(signal)]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: urlOf(HOST, gateway.ports.port), failed: watch.allFailed, stop };
}

/** At `info` a server logs every request, which somebody who waits for one answer does not want to read. */
const quieter = (level: TakeoffConfig['server']['logLevel']): TakeoffConfig['server']['logLevel'] =>
  level === 'info' ? 'warn' : level;

/** Rejects with the reason of the signal. Never resolves. */
async function aborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  signal.throwIfAborted();
  throw new Defect('A signal said that it is aborted and is not.');
}

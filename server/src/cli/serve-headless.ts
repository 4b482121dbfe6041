// `takeoff serve` with `headless`: one reader for gateways on other machines, until a signal ends it. Native code runs in this process, and
// whoever starts it starts it again when it dies.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Logger } from 'pino';
import { becomeReaderEnvironment } from '../config/reader-environment.js';
import type { TakeoffConfig } from '../config/resolve-config.js';
import { ConfigError, ReaderError } from '../errors.js';
import { validateKeyName } from '../link/redis/keys.js';
import { readRedisAddress } from '../link/redis/redis-address.js';
import { RemoteServing } from '../reader/remote/serve-remotely.js';
import { toGatewayReader, toRedisSettings } from './gateway-config.js';
import { ProgressLine } from './progress-line.js';
import { createServerLog } from './server-log.js';
import type { Terminal } from './terminal.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
const PROBES = ['/livez', '/healthz', '/readyz'] as const;

/**
 * Resolves when a signal has ended the reader and what it had begun is finished.
 * @throws ConfigError for settings that a reader cannot have, whatever keeps the model from being loaded, ReaderError when it failed later
 */
export async function serveHeadless(config: TakeoffConfig, terminal: Terminal): Promise<void> {
  const { server, readers } = config;
  const [reader] = readers;
  const redis = toRedisSettings(server);
  if (reader === undefined || redis === null) throw new ConfigError('headless needs a reader and redis_url.');
  validateKeyName('reader_id', reader.readerId);
  for (const group of reader.consumerGroups) validateKeyName('consumer_group', group);
  const { start, secrets, consumerGroups } = toGatewayReader(server, reader);
  becomeReaderEnvironment(start);
  const line = new ProgressLine(terminal);
  const { log } = createServerLog(server.logLevel, terminal, line);
  for (const warning of config.warnings) log.warn(warning);
  const serving = new RemoteServing({
    address: readRedisAddress(redis),
    start,
    secrets,
    consumerGroups,
    limits: server,
    onLog: (level, message) => log[level](message),
    onLoading: (stage, fraction) => line.show(stage, fraction),
  });
  const probes = await openProbes(server.host, server.port, () => serving.isReady);
  terminal.err(`Reader ${start.readerId} of ${consumerGroups.join(', ')} loads ${start.modelName}.\n`);
  drainOnSignals(serving, log);
  try {
    const code = await serving.serve();
    if (code !== 0) throw new ReaderError('reader.died', 'The reader failed; its log has the details.');
  } finally {
    line.clear();
    probes.close();
  }
}

/** The first asks it to finish its work, a second ends it at once. */
function drainOnSignals(serving: RemoteServing, log: Logger): void {
  let isFirst = true;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // Also while Redis is away: what has begun goes on when it is back.
      if (!isFirst || serving.isLoading) process.exit(isFirst ? 0 : 1);
      isFirst = false;
      log.info('shutting down: finishing what has begun');
      void serving.drain();
    });
  }
}

/** Not more than whoever orchestrates asks: whether it lives, and whether it serves. @throws ConfigError */
async function openProbes(host: string, port: number, isReady: () => boolean): Promise<Server> {
  const probes = createServer(({ method, url }, response) => {
    const path = url?.split('?', 1)[0];
    const isProbe = (method === 'GET' || method === 'HEAD') && PROBES.some((probe) => probe === path);
    const status = !isProbe ? 404 : path !== '/readyz' || isReady() ? 200 : 503;
    const word = status === 200 ? 'ok' : status === 404 ? 'a reader answers probes only' : 'not ready';
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ status: word }));
  });
  probes.listen(port, host);
  try {
    await once(probes, 'listening');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`port is ${port} on host ${host}, which cannot be listened on: ${why}.`, { cause });
  }
  return probes;
}

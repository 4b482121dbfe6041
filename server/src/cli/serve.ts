// `takeoff serve`: runs the gateway until a signal ends it, or until it is clear that no reader can ever be live.
import { ReaderFile } from '../config/reader-file.js';
import type { TakeoffConfig } from '../config/resolve-config.js';
import { startGateway } from '../gateway/gateway.js';
import { stopOnSignals } from '../gateway/stop-on-signals.js';
import { startBanner } from './banner.js';
import { toGatewayConfig } from './gateway-config.js';
import { ProgressLine } from './progress-line.js';
import { ReaderWatch } from './reader-watch.js';
import { createServerLog } from './server-log.js';
import type { Terminal } from './terminal.js';
import { readVersion } from './version.js';

/**
 * Resolves when a signal has ended the server.
 * @throws ConfigError when a port cannot be listened on or no reader can be started with this configuration; ReaderError when
 * no model can be served for another reason
 */
export async function serve(config: TakeoffConfig, terminal: Terminal): Promise<void> {
  const line = new ProgressLine(terminal);
  const { log, logForms } = createServerLog(config.server.logLevel, terminal, line);
  for (const warning of config.warnings) log.warn(warning);
  const watch = new ReaderWatch({ readers: config.readers, terminal, line, nowMs: () => performance.now() });
  const gateway = await startGateway(
    toGatewayConfig(config, {
      log,
      logForms,
      onReaderState: (readerId, state) => watch.see(readerId, state),
      readerRecord: config.server.persistReaders ? new ReaderFile(config.filePath) : null,
    }),
  );
  terminal.err(startBanner(config, gateway.ports, readVersion()));
  try {
    await Promise.race([stopOnSignals(gateway), watch.allFailed]);
  } catch (error) {
    await gateway.destroy();
    throw error;
  }
}

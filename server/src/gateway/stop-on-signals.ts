// SIGTERM and SIGINT: the first asks the gateway to finish its work, a second ends it at once.
import type { RunningGateway } from './gateway.js';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Resolves when the gateway has ended because of a signal. */
export function stopOnSignals(
  gateway: Pick<RunningGateway, 'close' | 'destroy'>,
  source: NodeJS.EventEmitter = process,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isFirst = true;
    const onSignal = (): void => {
      const ended = isFirst ? gateway.close() : gateway.destroy();
      isFirst = false;
      ended.then(resolve, reject);
    };
    for (const signal of SIGNALS) source.on(signal, onSignal);
  });
}

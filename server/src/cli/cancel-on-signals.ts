// SIGINT and SIGTERM as the cancellation of a command. The first signal asks the command to stop and clean up; a second one ends
// the process, because nothing listens any more.

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export interface Cancellation extends Disposable {
  readonly signal: AbortSignal;
}

export function cancelOnSignals(source: NodeJS.EventEmitter = process): Cancellation {
  const controller = new AbortController();
  const stopListening = () => {
    for (const signal of SIGNALS) source.off(signal, cancel);
  };
  const cancel = () => {
    stopListening();
    controller.abort();
  };
  for (const signal of SIGNALS) source.on(signal, cancel);
  return { signal: controller.signal, [Symbol.dispose]: stopListening };
}

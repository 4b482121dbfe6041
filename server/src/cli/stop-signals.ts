// SIGINT and SIGTERM as events of a command: the first asks it to come to an end, the second to end at once.

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

export interface StopSignals extends Disposable {
  /** Aborts at the first signal. */
  readonly first: AbortSignal;
  /** Aborts at the second. */
  readonly second: AbortSignal;
}

/** Until it is disposed of, the signals do not end the process by themselves. */
export function listenForStop(source: NodeJS.EventEmitter = process): StopSignals {
  const first = new AbortController();
  const second = new AbortController();
  const listener = () => {
    (first.signal.aborted ? second : first).abort();
  };
  for (const signal of STOP_SIGNALS) source.on(signal, listener);
  return {
    first: first.signal,
    second: second.signal,
    [Symbol.dispose]: () => {
      for (const signal of STOP_SIGNALS) source.off(signal, listener);
    },
  };
}

// One signal of two, for as long as it is needed. AbortSignal.any keeps an entry in a long-lived source for every signal made
// from it, in the Node versions we support; one per request would never be freed.

export interface JoinedSignals {
  /** Aborted as soon as either source is. Made when it is first asked for, because making one takes longer than most that uses it. */
  readonly signal: AbortSignal;
  /** Lets go of the sources. */
  release(): void;
}

export function joinSignals(...sources: readonly AbortSignal[]): JoinedSignals {
  let controller: AbortController | undefined;
  const abort = (): void => controller?.abort();
  const join = (): AbortController => {
    controller = new AbortController();
    for (const source of sources) {
      if (source.aborted) controller.abort();
      source.addEventListener('abort', abort);
    }
    return controller;
  };
  return {
    get signal() {
      return (controller ?? join()).signal;
    },
    release: () => {
      if (controller === undefined) return;
      for (const source of sources) source.removeEventListener('abort', abort);
    },
  };
}

// One signal of two, for as long as it is needed. AbortSignal.any keeps an entry in a long-lived source for every signal made
// from it, in the Node versions we support; one per request would never be freed.

export interface JoinedSignals {
  /** Aborted as soon as either source is. */
  readonly signal: AbortSignal;
  /** Lets go of the sources. */
  release(): void;
}

export function joinSignals(...sources: readonly AbortSignal[]): JoinedSignals {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const source of sources) {
    if (source.aborted) abort();
    source.addEventListener('abort', abort);
  }
  return {
    signal: controller.signal,
    release: () => {
      for (const source of sources) source.removeEventListener('abort', abort);
    },
  };
}

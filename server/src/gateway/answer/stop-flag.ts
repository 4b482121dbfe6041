// What ends the work on requests: a client that leaves, a server that shuts down. AbortSignal is made for this, but to make one and to
// listen to two takes a twentieth of what a small request costs, and work of the garbage collector beside that.

export class StopFlag {
  #isRaised = false;
  readonly #listeners = new Set<() => void>();

  get isRaised(): boolean {
    return this.#isRaised;
  }

  /** Once and for all: raising it again does nothing. */
  raise(): void {
    if (this.#isRaised) return;
    this.#isRaised = true;
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }

  /** The listener is called when the flag is raised, and not where it was before. */
  listen(listener: () => void): void {
    if (!this.#isRaised) this.#listeners.add(listener);
  }

  unlisten(listener: () => void): void {
    this.#listeners.delete(listener);
  }
}

export interface JoinedFlags {
  /** Aborted as soon as either flag is raised. Made when it is first asked for. */
  readonly signal: AbortSignal;
  /** Lets go of the flags. */
  release(): void;
}

/** One signal of several flags, for as long as it is needed. */
export function joinFlags(...flags: readonly StopFlag[]): JoinedFlags {
  let controller: AbortController | undefined;
  const abort = (): void => controller?.abort();
  const join = (): AbortController => {
    controller = new AbortController();
    for (const flag of flags) {
      if (flag.isRaised) controller.abort();
      else flag.listen(abort);
    }
    return controller;
  };
  return {
    get signal() {
      return (controller ?? join()).signal;
    },
    release: () => {
      if (controller === undefined) return;
      for (const flag of flags) flag.unlisten(abort);
    },
  };
}

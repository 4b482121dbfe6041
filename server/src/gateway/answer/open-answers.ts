// Counts the answers that are being given, so that a shutdown can wait for them.

export class OpenAnswers {
  #count = 0;
  #listeners: (() => void)[] = [];

  get count(): number {
    return this.#count;
  }

  /** Counts one until the returned function is called. */
  enter(): () => void {
    this.#count += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      this.#count -= 1;
      if (this.#count > 0) return;
      const listeners = this.#listeners;
      this.#listeners = [];
      for (const listener of listeners) listener();
    };
  }

  /** Resolves true when none is open, false when that takes longer than the time. */
  async idle(timeoutMs: number): Promise<boolean> {
    if (this.#count === 0) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.#listeners.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }
}

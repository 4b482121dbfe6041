// Where a transport puts what has arrived until somebody listens: keeps order, calls `onClose` once, delivers nothing after it.

export class Inbox<Received> {
  #listener: ((message: Received) => void) | undefined;
  #early: Received[] = [];
  #closeListener: ((reason: string) => void) | undefined;
  #closeReason: string | undefined;

  get isClosed(): boolean {
    return this.#closeReason !== undefined;
  }

  deliver(message: Received): void {
    if (this.isClosed) return;
    if (this.#listener === undefined) this.#early.push(message);
    else this.#listener(message);
  }

  close(reason: string): void {
    if (this.isClosed) return;
    this.#closeReason = reason;
    this.#closeListener?.(reason);
  }

  onMessage(listener: (message: Received) => void): void {
    this.#listener = listener;
    const early = this.#early;
    this.#early = [];
    for (const message of early) listener(message);
  }

  onClose(listener: (reason: string) => void): void {
    this.#closeListener = listener;
    if (this.#closeReason !== undefined) listener(this.#closeReason);
  }
}

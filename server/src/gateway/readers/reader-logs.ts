// One log for each reader, at a level of its own.
import type { FastifyBaseLogger } from 'fastify';

export class ReaderLogs {
  readonly #base: FastifyBaseLogger;
  readonly #logs = new Map<string, FastifyBaseLogger>();

  constructor(base: FastifyBaseLogger) {
    this.#base = base;
  }

  /** Null: the level of the server's log. */
  setLevel(readerId: string, level: string | null): void {
    this.#logs.set(readerId, this.#base.child({ reader: readerId }, level === null ? {} : { level }));
  }

  of(readerId: string): FastifyBaseLogger {
    const known = this.#logs.get(readerId);
    if (known !== undefined) return known;
    this.setLevel(readerId, null);
    return this.#logs.get(readerId) ?? this.#base;
  }
}

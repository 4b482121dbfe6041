// One log for each reader, at a level and in a form of its own.
import type { FastifyBaseLogger } from 'fastify';
import type { ReaderLogControl, ReaderLogging } from './reader-administration.js';

/** The server's log in each form that lines can have, whatever its own is. */
export interface LogForms {
  readonly json: FastifyBaseLogger;
  readonly forPeople: FastifyBaseLogger;
}

const AS_THE_SERVER: ReaderLogging = { level: null, asJson: null };

export class ReaderLogs implements ReaderLogControl {
  readonly #base: FastifyBaseLogger;
  readonly #forms: LogForms;
  readonly #logs = new Map<string, { readonly asJson: boolean | null; readonly log: FastifyBaseLogger }>();

  /** @param base for readers that ask for no form */
  constructor(base: FastifyBaseLogger, forms: LogForms) {
    this.#base = base;
    this.#forms = forms;
  }

  open(readerId: string, { level, asJson }: ReaderLogging): void {
    const log = this.#inForm(asJson).child({ reader: readerId }, level === null ? {} : { level });
    this.#logs.set(readerId, { asJson, log });
  }

  /** Null: the level of the server's log. */
  setLevel(readerId: string, level: string | null): void {
    this.open(readerId, { level, asJson: this.#logs.get(readerId)?.asJson ?? null });
  }

  of(readerId: string): FastifyBaseLogger {
    if (!this.#logs.has(readerId)) this.open(readerId, AS_THE_SERVER);
    return this.#logs.get(readerId)?.log ?? this.#base;
  }

  #inForm(asJson: boolean | null): FastifyBaseLogger {
    if (asJson === null) return this.#base;
    return asJson ? this.#forms.json : this.#forms.forPeople;
  }
}

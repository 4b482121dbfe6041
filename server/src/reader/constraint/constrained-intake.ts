// Stands before the loop: requests with a constraint wait here until it is compiled, all others pass at once. Promises what the loop
// promises, one terminal event for every prompt, also for requests that end here: refused, or cancelled in the meantime.
import { CapacityError, InputError } from '../../errors.js';
import type { FromReader } from '../../link/messages.js';
import type { Constraint, GenerateMessage } from '../../link/requests/messages.js';
import type { ReaderLoop } from '../loop.js';
import type { Constraints } from './constraints.js';

export interface IntakeOptions {
  readonly loop: Pick<ReaderLoop, 'accept' | 'cancel' | 'idle'>;
  readonly constraints: Pick<Constraints, 'compile'>;
  readonly send: (event: FromReader) => void;
  /** Called when constraints cannot be compiled at all. As when the engine fails, the reader ends without a word to the request. */
  readonly onDefect: (error: unknown) => void;
}

const NOTHING_USED = { promptTokens: 0, imageTokens: 0, cachedTokens: 0, generatedTokens: 0 };
const NO_TIMES = { visionMs: 0, prefillMs: 0, decodeMs: 0 };

export class ConstrainedIntake {
  readonly #options: IntakeOptions;
  /** Ids of requests whose constraint is being compiled, with whether they were cancelled. */
  readonly #waiting = new Map<string, 'waiting' | 'cancelled'>();
  readonly #compiling = new Set<Promise<void>>();

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  accept(message: GenerateMessage): void {
    if (message.constraint === null) {
      this.#options.loop.accept(message);
      return;
    }
    this.#waiting.set(message.requestId, 'waiting');
    const compiling = this.#compile(message, message.constraint).finally(() =>
      this.#compiling.delete(compiling),
    );
    this.#compiling.add(compiling);
  }

  /** Ends the request's prompts as cancelled: those of the loop before its next step, those here when the constraint is compiled. */
  cancel(requestId: string): void {
    if (this.#waiting.has(requestId)) this.#waiting.set(requestId, 'cancelled');
    else this.#options.loop.cancel(requestId);
  }

  /** Resolves when everything accepted so far has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#compiling);
    await this.#options.loop.idle();
  }

  async #compile(message: GenerateMessage, constraint: Constraint): Promise<void> {
    try {
      const compiled = await this.#options.constraints.compile(constraint);
      if (this.#waiting.get(message.requestId) === 'cancelled') this.#sendCancelled(message);
      else this.#options.loop.accept(message, compiled);
    } catch (error) {
      this.#refuse(message, constraint.field, error);
    } finally {
      this.#waiting.delete(message.requestId);
    }
  }

  #sendCancelled({ requestId, prompts }: GenerateMessage): void {
    const end = { finishReason: 'cancelled', usage: NOTHING_USED, times: NO_TIMES } as const;
    for (const prompt of prompts.keys()) this.#options.send({ kind: 'done', requestId, prompt, ...end });
  }

  /** @param whole the field of the constraint; of a call of a function, the error may be about one of several */
  #refuse({ requestId, prompts }: GenerateMessage, whole: string, error: unknown): void {
    if (!(error instanceof InputError || error instanceof CapacityError)) {
      this.#options.onDefect(error);
      return;
    }
    const { code, message, details } = error;
    const field = typeof details['field'] === 'string' ? details['field'] : whole;
    for (const prompt of prompts.keys())
      this.#options.send({ kind: 'error', requestId, prompt, code, message, field });
  }
}

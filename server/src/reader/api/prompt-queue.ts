// The prompts of a reader whose answers come from a cluster: as many at the cluster at the same time as the reader may answer, the others in
// the order in which they came. Promises one terminal event for every prompt it accepted. How many may wait, the gateways bound.
import { ClusterError, Defect, TakeoffError } from '../../errors.js';
import type { GenerateMessage, RequestEvent, Usage } from '../../link/requests/messages.js';
import type { PromptToAnswer } from './answer-prompt.js';

export interface PromptQueueOptions {
  readonly maxRunning: number;
  readonly send: (event: RequestEvent) => void;
  /** Resolves when the prompt has had its terminal event. */
  readonly answer: (asked: PromptToAnswer) => Promise<void>;
  /** Called once for a defect of ours; every accepted prompt has had its terminal event by then. */
  readonly onDefect: (error: unknown) => void;
}

interface Queued {
  readonly message: GenerateMessage;
  readonly prompt: number;
}

interface Running extends Queued {
  readonly controller: AbortController;
}

const NO_USAGE: Usage = { promptTokens: 0, imageTokens: 0, cachedTokens: 0, generatedTokens: 0 };
const NO_TIMES = { visionMs: 0, prefillMs: 0, decodeMs: 0 };

export class PromptQueue {
  readonly #options: PromptQueueOptions;
  #maxRunning: number;
  #waiting: Queued[] = [];
  readonly #running = new Set<Running>();
  #failure: TakeoffError | undefined;
  #onIdle: (() => void)[] = [];

  constructor(options: PromptQueueOptions) {
    this.#options = options;
    this.#maxRunning = options.maxRunning;
  }

  get counts(): { readonly running: number; readonly waiting: number } {
    return { running: this.#running.size, waiting: this.#waiting.length };
  }

  accept(message: GenerateMessage): void {
    for (const prompt of message.prompts.keys()) this.#waiting.push({ message, prompt });
    if (this.#failure === undefined) this.#fill();
    else this.#refuseWaiting(this.#failure);
  }

  /** Ends all prompts of a request as cancelled. */
  cancel(requestId: string): void {
    const isMeant = ({ message }: Queued): boolean => message.requestId === requestId;
    const dropped = this.#waiting.filter(isMeant);
    this.#waiting = this.#waiting.filter((queued) => !isMeant(queued));
    for (const { prompt } of dropped) {
      this.#options.send({
        kind: 'done',
        requestId,
        prompt,
        finishReason: 'cancelled',
        usage: NO_USAGE,
        times: NO_TIMES,
      });
    }
    for (const running of this.#running) if (isMeant(running)) running.controller.abort(new Cancelled());
    this.#tellIdle();
  }

  /** Begins no more answers than these at the same time; never more than at first. */
  limitRunning(maxRunning: number): void {
    this.#maxRunning = Math.min(maxRunning, this.#options.maxRunning);
    this.#fill();
  }

  /** Ends everything with this error, now and from now on. Resolves when it has ended. */
  async fail(error: ClusterError | Defect): Promise<void> {
    this.#failure = error;
    this.#refuseWaiting(error);
    for (const { controller } of this.#running) controller.abort(error);
    await this.idle();
  }

  /** Resolves when nothing waits or runs. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
      this.#tellIdle();
    });
  }

  #fill(): void {
    while (this.#running.size < this.#maxRunning) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const running = { ...next, controller: new AbortController() };
      this.#running.add(running);
      void this.#run(running);
    }
  }

  async #run(running: Running): Promise<void> {
    const { message, prompt, controller } = running;
    try {
      await this.#options.answer({ message, prompt, signal: controller.signal });
    } catch (error) {
      this.#sendDefect(running);
      this.#running.delete(running);
      if (this.#failure !== undefined) return;
      await this.fail(new Defect('Another prompt met a defect of the reader.'));
      this.#options.onDefect(error);
    } finally {
      this.#running.delete(running);
      if (this.#failure === undefined) this.#fill();
      this.#tellIdle();
    }
  }

  #sendDefect({ message, prompt }: Queued): void {
    const { requestId } = message;
    this.#options.send({
      kind: 'error',
      requestId,
      prompt,
      code: 'server.internal',
      message: 'The reader met a defect of its own; its log has the details.',
    });
  }

  #refuseWaiting(error: TakeoffError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const queued of waiting) {
      if (!(error instanceof ClusterError)) {
        this.#sendDefect(queued);
        continue;
      }
      const { message, prompt } = queued;
      const { code, message: words } = error;
      this.#options.send({ kind: 'error', requestId: message.requestId, prompt, code, message: words });
    }
  }

  #tellIdle(): void {
    if (this.#running.size + this.#waiting.length > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}

/** Nobody waits for the answer any more. */
class Cancelled extends TakeoffError<'defect'> {
  constructor() {
    super('defect', 'The prompt was cancelled.');
  }
}

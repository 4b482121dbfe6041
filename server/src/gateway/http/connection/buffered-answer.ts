// Collects all events of a request into one answer for each prompt. Nothing is shown before all have ended, so that a reader that
// dies meanwhile costs the client time and nothing else.
import { Defect } from '../../../errors.js';
import type { TokenEvent, TokenLogprob } from '../../../link/requests/messages.js';
import type { AnswerEvent, FinishedEvent } from '../../answer/request-record.js';
import type { StopFlag } from '../../answer/stop-flag.js';
import type { AnswerFormat, PromptAnswer } from './answer-format.js';
import { errorOfEvent } from './public-error.js';

export class BufferedAnswer {
  readonly #promptCount: number;
  readonly #format: AnswerFormat;
  #texts: string[] = [];
  readonly #logprobs = new Map<number, TokenLogprob[]>();
  readonly #ends = new Map<number, FinishedEvent>();

  constructor(promptCount: number, format: AnswerFormat) {
    this.#promptCount = promptCount;
    this.#format = format;
    this.reset();
  }

  /** Forgets what has been collected. */
  readonly reset = (): void => {
    this.#texts = new Array<string>(this.#promptCount).fill('');
    this.#logprobs.clear();
    this.#ends.clear();
  };

  /**
   * Undefined when the client is gone and nobody reads an answer.
   * @throws the error of the first prompt that failed; the others are cancelled
   */
  async collect(
    events: AsyncIterable<AnswerEvent>,
    clientGone: StopFlag,
  ): Promise<readonly PromptAnswer[] | undefined> {
    for await (const event of events) {
      if (event.kind === 'error') throw errorOfEvent(event, this.#format.placeOf(event.prompt));
      if (event.kind === 'token') this.#take(event);
      else this.#ends.set(event.prompt, event);
    }
    if (clientGone.isRaised) return undefined;
    return this.#texts.map((text, prompt) => {
      const end = this.#ends.get(prompt);
      if (end === undefined) {
        throw new Defect(`A request ended with ${this.#ends.size} of ${this.#promptCount} terminal events.`);
      }
      return { text, logprobs: this.#logprobs.get(prompt) ?? [], ...end };
    });
  }

  #take({ prompt, text, logprobs }: TokenEvent): void {
    this.#texts[prompt] = (this.#texts[prompt] ?? '') + text;
    if (logprobs === undefined) return;
    const told = this.#logprobs.get(prompt) ?? [];
    told.push(...logprobs);
    this.#logprobs.set(prompt, told);
  }
}

// Keeps account of the answers of one stream: which have begun, which have ended, and what all of them cost together.
import type { DoneEvent } from '../../../link/requests/messages.js';
import { usageOf } from './answer-facts.js';
import type { OpenaiUsage } from './answer-schemas.js';

export class StreamTally {
  readonly #answerCount: number;
  readonly #choicesPerPrompt: number;
  readonly #begun = new Set<number>();
  readonly #ends = new Map<number, DoneEvent>();

  constructor(answerCount: number, choicesPerPrompt: number) {
    this.#answerCount = answerCount;
    this.#choicesPerPrompt = choicesPerPrompt;
  }

  /** Whether this is the first that is heard of an answer. */
  begin(answer: number): boolean {
    if (this.#begun.has(answer)) return false;
    this.#begun.add(answer);
    return true;
  }

  /** The cost of all answers when the last of them ends; null before. */
  end(event: DoneEvent): OpenaiUsage | null {
    this.#ends.set(event.prompt, event);
    if (this.#ends.size < this.#answerCount) return null;
    const inOrder = [...this.#ends.values()].toSorted((one, other) => one.prompt - other.prompt);
    return usageOf(inOrder, this.#choicesPerPrompt);
  }
}

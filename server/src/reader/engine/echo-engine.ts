// An engine without a model: it answers with the tokens of its prompt, in order, then ends. Deterministic and instant, for
// tests of everything around the engine and for measuring what everything around the engine costs (`echo` in the settings). It
// reads the prompt from its KV memory, so a row that was shared wrongly makes a wrong answer.
import type { SamplingParameters } from '../../link/requests/messages.js';
import type { Slot, TokenId } from '../ids.js';
import { EchoMemory } from './echo-memory.js';
import type {
  EngineLimits,
  LanguageEngine,
  SampledLogprobs,
  SampledToken,
  StepRow,
  SuspendedSampling,
} from './engine.js';
import { SlotSampling } from './slot-sampling.js';

interface EchoSequence {
  /** Tokens of the prompt, known when its last row has been computed. */
  prompt: readonly TokenId[] | undefined;
  emitted: number;
  readonly minNewTokens: number;
  readonly topLogprobs: number | null;
}

export class EchoEngine implements LanguageEngine {
  readonly limits: EngineLimits;
  readonly #endToken: TokenId;
  readonly #sequences = new SlotSampling<EchoSequence>(() => undefined);
  readonly #memory: EchoMemory;

  /** @param endToken id that ends a sequence */
  constructor(limits: EngineLimits, endToken: TokenId) {
    this.limits = limits;
    this.#endToken = endToken;
    this.#memory = new EchoMemory(limits.cells);
  }

  /** Cells that hold a row now. */
  get usedCells(): number {
    return this.#memory.usedCells;
  }

  begin(slot: Slot, sampling: SamplingParameters): void {
    const { minNewTokens, topLogprobs } = sampling;
    this.#sequences.set(slot, { prompt: undefined, emitted: 0, minNewTokens, topLogprobs });
  }

  step(rows: readonly StepRow[]): Promise<readonly SampledToken[]> {
    const sampled: SampledToken[] = [];
    for (const row of rows) {
      const sequence = this.#sequences.get(row.slot);
      this.#memory.take(row);
      if (row.samples) sampled.push(this.#next(row.slot, sequence));
    }
    return Promise.resolve(sampled);
  }

  end(slot: Slot): void {
    this.#sequences.end(slot);
  }

  suspend(slot: Slot): SuspendedSampling {
    return this.#sequences.suspend(slot);
  }

  resume(slot: Slot, suspended: SuspendedSampling): void {
    this.#sequences.resume(slot, suspended);
  }

  share(from: Slot, to: Slot, first: number, end: number): void {
    this.#memory.share(from, to, first, end);
  }

  forget(slot: Slot, first: number, end: number): void {
    this.#memory.forget(slot, first, end);
  }

  close(): void {
    this.#sequences.close();
    this.#memory.clear();
  }

  #next(slot: Slot, sequence: EchoSequence): SampledToken {
    const prompt = (sequence.prompt ??= this.#memory.tokensOf(slot));
    const { emitted, minNewTokens, topLogprobs } = sequence;
    const isEnd = emitted >= prompt.length && emitted >= minNewTokens;
    const token =
      isEnd || prompt.length === 0 ? this.#endToken : (prompt[emitted % prompt.length] ?? this.#endToken);
    sequence.emitted += 1;
    return { slot, token, isEnd, logprobs: topLogprobs === null ? null : certainty(token, topLogprobs) };
  }
}

/** An echo has no alternatives. */
const certainty = (token: TokenId, topCount: number): SampledLogprobs => ({
  logprob: 0,
  top: topCount === 0 ? [] : [{ token, logprob: 0 }],
});

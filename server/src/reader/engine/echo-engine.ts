// An engine without a model: it answers with the tokens of its prompt, in order, then ends. Deterministic and instant, for
// tests of everything around the engine and for measuring what everything around the engine costs (`echo` in the settings). It
// reads the prompt from its KV memory, so a row that was shared wrongly makes a wrong answer.
import { InputError } from '../../errors.js';
import type { SamplingParameters } from '../../link/requests/messages.js';
import type { AnswerConstraint } from '../constraint/answer-constraint.js';
import { toTokenId, type Slot, type TokenId } from '../ids.js';
import { EchoMemory } from './echo-memory.js';
import type {
  AdapterMemory,
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
  readonly constraint: AnswerConstraint | null;
  readonly topLogprobs: number | null;
}

export class EchoEngine implements LanguageEngine, AdapterMemory {
  readonly limits: EngineLimits;
  readonly cellBytes = 0;
  readonly #endToken: TokenId;
  readonly #sequences = new SlotSampling<EchoSequence>(({ constraint }) => constraint?.close());
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

  begin(slot: Slot, sampling: SamplingParameters, constraint: AnswerConstraint | null = null): void {
    const { minNewTokens, topLogprobs } = sampling;
    this.#sequences.set(slot, { prompt: undefined, emitted: 0, minNewTokens, constraint, topLogprobs });
  }

  step(rows: readonly StepRow[], adapter: string | null = null): Promise<readonly SampledToken[]> {
    const sampled: SampledToken[] = [];
    for (const row of rows) {
      const sequence = this.#sequences.get(row.slot);
      this.#memory.take(row, adapter);
      if (!row.samples) continue;
      sequence.prompt ??= this.#memory.tokensOf(row.slot, adapter);
      sampled.push(this.#next(row.slot, sequence, sequence.prompt));
    }
    return Promise.resolve(sampled);
  }

  /** Adapters change nothing here but what may share rows. */
  loadAdapter(): Promise<void> {
    return Promise.resolve();
  }

  unloadAdapter(): void {
    // There is nothing to free.
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

  #next(slot: Slot, sequence: EchoSequence, prompt: readonly TokenId[]): SampledToken {
    const { emitted, minNewTokens, constraint, topLogprobs } = sequence;
    const isEnd = emitted >= prompt.length && emitted >= minNewTokens;
    const token =
      isEnd || prompt.length === 0 ? this.#endToken : (prompt[emitted % prompt.length] ?? this.#endToken);
    sequence.emitted += 1;
    if (constraint !== null) return this.#constrained(slot, token, constraint, topLogprobs);
    return { slot, token, isEnd, logprobs: certainty(token, topLogprobs) };
  }

  /** What a constraint refuses is replaced by the first token that it allows. */
  #constrained(
    slot: Slot,
    wanted: TokenId,
    constraint: AnswerConstraint,
    topLogprobs: number | null,
  ): SampledToken {
    try {
      const token = constraint.allows(wanted) ? wanted : firstAllowed(constraint);
      const isEnd = token === this.#endToken;
      const logprobs = certainty(token, topLogprobs);
      return { slot, token, isEnd, logprobs, isComplete: !isEnd && constraint.accept(token) };
    } catch (error) {
      if (error instanceof InputError)
        return { slot, token: wanted, isEnd: false, logprobs: null, failure: error };
      throw error;
    }
  }
}

function firstAllowed(constraint: AnswerConstraint): TokenId {
  const mask = constraint.computeMask();
  const word = mask.findIndex((bits) => bits !== 0);
  if (word < 0)
    throw new InputError('request.constraint_unsupported', 'No token of the echo model fits the constraint.');
  const bits = mask[word] ?? 0;
  return toTokenId(word * 32 + (31 - Math.clz32(bits & -bits)));
}

/** An echo has no alternatives. */
function certainty(token: TokenId, topLogprobs: number | null): SampledLogprobs | null {
  if (topLogprobs === null) return null;
  return { logprob: 0, top: topLogprobs === 0 ? [] : [{ token, logprob: 0 }] };
}

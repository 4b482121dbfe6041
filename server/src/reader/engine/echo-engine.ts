// An engine without a model: it answers with the tokens of its prompt, in order, then ends. Deterministic and instant, for
// tests of everything around the engine and for measuring what everything around the engine costs (`echo` in the settings). It
// counts the cells that rows take, as a real one runs out of them.
import { Defect } from '../../errors.js';
import type { SamplingParameters } from '../../link/requests/messages.js';
import type { Slot, TokenId } from '../ids.js';
import type { EngineLimits, LanguageEngine, SampledLogprobs, SampledToken, StepRow } from './engine.js';

interface EchoSequence {
  /** Tokens of the prompt, filled as its rows arrive. */
  readonly prompt: TokenId[];
  emitted: number;
  readonly minNewTokens: number;
  readonly topLogprobs: number | null;
}

export class EchoEngine implements LanguageEngine {
  readonly limits: EngineLimits;
  readonly #endToken: TokenId;
  readonly #sequences = new Map<Slot, EchoSequence>();
  /** By the slot that holds them. */
  readonly #cells = new Map<Slot, number>();
  #usedCells = 0;

  /** @param endToken id that ends a sequence */
  constructor(limits: EngineLimits, endToken: TokenId) {
    this.limits = limits;
    this.#endToken = endToken;
  }

  /** Cells that hold a row now. */
  get usedCells(): number {
    return this.#usedCells;
  }

  begin(slot: Slot, sampling: SamplingParameters): void {
    if (this.#sequences.has(slot)) throw new Defect(`Slot ${slot} is in use.`);
    const { minNewTokens, topLogprobs } = sampling;
    this.#sequences.set(slot, { prompt: [], emitted: 0, minNewTokens, topLogprobs });
  }

  step(rows: readonly StepRow[]): Promise<readonly SampledToken[]> {
    const sampled: SampledToken[] = [];
    for (const row of rows) {
      const sequence = this.#sequences.get(row.slot);
      if (sequence === undefined) throw new Defect(`Slot ${row.slot} has no sequence.`);
      this.#takeCell(row);
      if (row.source.kind === 'token' && sequence.emitted === 0) sequence.prompt.push(row.source.token);
      if (row.samples) sampled.push(this.#next(row.slot, sequence));
    }
    return Promise.resolve(sampled);
  }

  end(slot: Slot): void {
    if (!this.#sequences.delete(slot)) throw new Defect(`Slot ${slot} has no sequence.`);
  }

  forget(slot: Slot): void {
    this.#usedCells -= this.#cells.get(slot) ?? 0;
    this.#cells.delete(slot);
  }

  close(): void {
    this.#sequences.clear();
    this.#cells.clear();
    this.#usedCells = 0;
  }

  #takeCell({ slot, position }: StepRow): void {
    const taken = this.#cells.get(slot) ?? 0;
    if (position !== taken)
      throw new Defect(`Slot ${slot} holds ${taken} rows and gets position ${position}.`);
    if (this.#usedCells >= this.limits.cells)
      throw new Defect(`All ${this.limits.cells} KV cells are taken.`);
    this.#cells.set(slot, taken + 1);
    this.#usedCells += 1;
  }

  #next(slot: Slot, sequence: EchoSequence): SampledToken {
    const { prompt, emitted, minNewTokens, topLogprobs } = sequence;
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

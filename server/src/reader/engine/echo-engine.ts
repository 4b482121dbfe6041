// An engine without a model: it answers with the tokens of its prompt, in order, then ends. Deterministic and instant, for
// tests of everything around the engine and for measuring what everything around the engine costs (`echo` in the settings).
import { Defect } from '../../errors.js';
import type { SamplingParameters } from '../../link/requests/messages.js';
import type {
  Engine,
  EngineLimits,
  ImageEncoding,
  ImageFeatures,
  SampledToken,
  Slot,
  StepRow,
} from './engine.js';

interface EchoSequence {
  /** Tokens of the prompt, filled as its rows arrive. */
  readonly prompt: number[];
  emitted: number;
  readonly minNewTokens: number;
}

export interface EchoOptions {
  readonly limits: EngineLimits;
  /** Rows that every image takes. */
  readonly imageRows: number;
  /** Slices of an encoding. */
  readonly slices: number;
  /** Id that ends a sequence. */
  readonly endToken: number;
}

export class EchoEngine implements Engine {
  readonly limits: EngineLimits;
  readonly #options: EchoOptions;
  readonly #sequences = new Map<Slot, EchoSequence>();

  constructor(options: EchoOptions) {
    this.limits = options.limits;
    this.#options = options;
  }

  imageRows(): number {
    return this.#options.imageRows;
  }

  startEncoding(): ImageEncoding {
    let slicesLeft = this.#options.slices;
    const features: ImageFeatures = {
      rows: this.#options.imageRows,
      values: new Float32Array(this.#options.imageRows),
    };
    return {
      advance: () => {
        slicesLeft -= 1;
        return Promise.resolve(slicesLeft > 0 ? undefined : features);
      },
    };
  }

  open(slot: Slot, sampling: SamplingParameters): void {
    if (this.#sequences.has(slot)) throw new Defect(`Slot ${slot} is in use.`);
    this.#sequences.set(slot, { prompt: [], emitted: 0, minNewTokens: sampling.minNewTokens });
  }

  step(rows: readonly StepRow[]): Promise<readonly SampledToken[]> {
    const sampled: SampledToken[] = [];
    for (const row of rows) {
      const sequence = this.#sequences.get(row.slot);
      if (sequence === undefined) throw new Defect(`Slot ${row.slot} is not open.`);
      if (row.source.kind === 'token' && sequence.emitted === 0) sequence.prompt.push(row.source.token);
      if (row.samples) sampled.push(this.#next(row.slot, sequence));
    }
    return Promise.resolve(sampled);
  }

  release(slot: Slot): void {
    this.#sequences.delete(slot);
  }

  close(): void {
    this.#sequences.clear();
  }

  #next(slot: Slot, sequence: EchoSequence): SampledToken {
    const { prompt, emitted, minNewTokens } = sequence;
    const isEnd = emitted >= prompt.length && emitted >= minNewTokens;
    const token =
      isEnd || prompt.length === 0
        ? this.#options.endToken
        : (prompt[emitted % prompt.length] ?? this.#options.endToken);
    sequence.emitted += 1;
    return { slot, token, isEnd };
  }
}

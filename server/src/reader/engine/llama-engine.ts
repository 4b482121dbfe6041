// The real engine: one llama.cpp context for all sequences, fed with embedding rows. Text rows come from the model's own
// table, image rows from the vision encoder, so prompts, images and running streams share one batch.
import { randomInt } from 'node:crypto';
import { Defect } from '../../errors.js';
import type { ImagePayload, SamplingParameters } from '../../link/requests/messages.js';
import type { TokenizerSettings } from '../../model/description.js';
import type { Decoder } from '../../native/decoder.js';
import type { EmbeddingRows } from '../../native/embedding-rows.js';
import { Sampler } from '../../native/sampler.js';
import type { VisionEncoder } from '../vision/encoder.js';
import type { Engine, EngineLimits, ImageEncoding, SampledToken, Slot, StepRow } from './engine.js';
import { TokenBans } from './token-bans.js';

export interface LlamaEngineParts {
  readonly limits: EngineLimits;
  readonly decoder: Decoder;
  readonly embeddings: EmbeddingRows;
  readonly tokenizer: TokenizerSettings;
  /** Null for a model without a vision tower. */
  readonly vision: VisionEncoder | null;
  /** Frees everything the engine was built from, in the right order. */
  readonly closeParts: () => void;
}

interface OpenSlot {
  readonly sampler: Sampler;
  readonly bans: TokenBans;
}

const SEED_END = 2 ** 32;

export class LlamaEngine implements Engine {
  readonly limits: EngineLimits;
  readonly #parts: LlamaEngineParts;
  readonly #endTokens: ReadonlySet<number>;
  readonly #slots = new Map<Slot, OpenSlot>();

  constructor(parts: LlamaEngineParts) {
    this.limits = parts.limits;
    this.#parts = parts;
    this.#endTokens = new Set(parts.tokenizer.eosIds);
  }

  imageRows(widthPx: number, heightPx: number): number {
    return this.#vision().imageRows(widthPx, heightPx);
  }

  startEncoding(image: ImagePayload): ImageEncoding {
    return this.#vision().start(image);
  }

  open(slot: Slot, sampling: SamplingParameters): void {
    if (this.#slots.has(slot)) throw new Defect(`Slot ${slot} is in use.`);
    const { decoder, tokenizer } = this.#parts;
    const sampler = new Sampler(decoder.model, {
      ...sampling,
      seed: randomInt(SEED_END),
      contextTokens: this.limits.contextTokens,
    });
    const bans = new TokenBans({
      tokenCount: tokenizer.tokenCount,
      endTokens: tokenizer.eosIds,
      minNewTokens: sampling.minNewTokens,
      noRepeatNgramSize: sampling.noRepeatNgramSize,
    });
    this.#slots.set(slot, { sampler, bans });
  }

  async step(rows: readonly StepRow[]): Promise<readonly SampledToken[]> {
    const { decoder } = this.#parts;
    decoder.begin();
    for (const row of rows) this.#fill(row, decoder.addRow(row.slot, row.position, row.samples));
    if ((await decoder.decode()) === 'no-cells') {
      throw new Defect(`No KV cells for ${rows.length} rows, although admission claims them in advance.`);
    }
    return rows.flatMap((row, index) => (row.samples ? [this.#sample(row.slot, index)] : []));
  }

  release(slot: Slot): void {
    const open = this.#slots.get(slot);
    if (open === undefined) return;
    this.#slots.delete(slot);
    open.sampler.close();
    this.#parts.decoder.forget(slot);
  }

  close(): void {
    for (const slot of [...this.#slots.keys()]) this.release(slot);
    this.#parts.closeParts();
  }

  #fill(row: StepRow, target: Float32Array): void {
    const { source } = row;
    if (source.kind === 'token') {
      this.#parts.embeddings.read(source.token, target);
      return;
    }
    const first = source.row * target.length;
    target.set(source.features.values.subarray(first, first + target.length));
  }

  #sample(slot: Slot, batchRow: number): SampledToken {
    const open = this.#slots.get(slot);
    if (open === undefined) throw new Defect(`Slot ${slot} is not open.`);
    const { decoder } = this.#parts;
    open.bans.apply(decoder.logits(batchRow));
    const token = decoder.sample(open.sampler, batchRow);
    open.bans.accept(token);
    return { slot, token, isEnd: this.#endTokens.has(token) };
  }

  #vision(): VisionEncoder {
    const { vision } = this.#parts;
    if (vision === null) throw new Defect('An image reached a model without a vision tower.');
    return vision;
  }
}

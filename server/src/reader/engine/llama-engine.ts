// The real engine: one llama.cpp context for all sequences, fed with embedding rows. Text rows come from the model's own
// table, feature rows from whoever encoded them, so prompts, images and running streams share one batch.
import { randomInt } from 'node:crypto';
import { Defect, NativeError } from '../../errors.js';
import type { SamplingParameters } from '../../link/requests/messages.js';
import type { TokenizerSettings } from '../../model/description.js';
import { LoraAdapter } from '../../native/adapter.js';
import type { Decoder, RowSample } from '../../native/decoder.js';
import type { EmbeddingRows } from '../../native/embedding-rows.js';
import type { Sampled } from '../../native/inference/jobs.js';
import { Sampler } from '../../native/sampler.js';
import type { AnswerConstraint } from '../constraint/answer-constraint.js';
import { toTokenId, type Slot } from '../ids.js';
import type {
  EngineLimits,
  LanguageEngine,
  SampledLogprobs,
  SampledToken,
  StepRow,
  SuspendedSampling,
  AdapterMemory,
} from './engine.js';
import { enforce, type Drawn, type Enforced } from './enforce.js';
import { SlotSampling } from './slot-sampling.js';
import { TokenBans } from './token-bans.js';

export interface LlamaEngineParts {
  readonly limits: EngineLimits;
  /** Bytes of keys and values of one KV cell. */
  readonly cellBytes: number;
  readonly decoder: Decoder;
  readonly embeddings: EmbeddingRows;
  readonly tokenizer: TokenizerSettings;
  /** By their ids. The engine adds and removes. */
  readonly adapters: Map<string, LoraAdapter>;
  /** Frees everything the engine was built from, adapters that are still there included, in the right order. */
  readonly closeParts: () => void;
}

interface Sampling {
  readonly sampler: Sampler;
  readonly bans: TokenBans;
  readonly constraint: AnswerConstraint | null;
  readonly topLogprobs: number | null;
}

const SEED_END = 2 ** 32;

export class LlamaEngine implements LanguageEngine, AdapterMemory {
  readonly limits: EngineLimits;
  readonly cellBytes: number;
  readonly #parts: LlamaEngineParts;
  #isClosed = false;
  readonly #endTokens: ReadonlySet<number>;
  readonly #sampling = new SlotSampling<Sampling>(({ sampler, constraint }) => {
    sampler.close();
    constraint?.close();
  });

  constructor(parts: LlamaEngineParts) {
    this.limits = parts.limits;
    this.cellBytes = parts.cellBytes;
    this.#parts = parts;
    this.#endTokens = new Set(parts.tokenizer.eosIds);
  }

  begin(slot: Slot, sampling: SamplingParameters, constraint: AnswerConstraint | null = null): void {
    const { decoder, tokenizer } = this.#parts;
    const sampler = new Sampler(decoder.model, {
      ...sampling,
      seed: sampling.seed ?? randomInt(SEED_END),
      contextTokens: this.limits.contextTokens,
    });
    const bans = new TokenBans({
      tokenCount: tokenizer.tokenCount,
      endTokens: tokenizer.eosIds,
      minNewTokens: sampling.minNewTokens,
      noRepeatNgramSize: sampling.noRepeatNgramSize,
    });
    this.#sampling.set(slot, { sampler, bans, constraint, topLogprobs: sampling.topLogprobs });
  }

  async loadAdapter(id: string, file: string): Promise<void> {
    // It may have been prepared for minutes, in which the reader has drained.
    if (this.#isClosed) throw new NativeError('native.call_failed', 'The model is closed.');
    const { adapters, decoder } = this.#parts;
    adapters.set(id, await LoraAdapter.load(decoder.model, file));
  }

  unloadAdapter(id: string): void {
    const { adapters, decoder } = this.#parts;
    const adapter = this.#adapter(id);
    if (adapter === null) return;
    decoder.leave(adapter);
    adapter.close();
    adapters.delete(id);
  }

  async step(rows: readonly StepRow[], adapter: string | null = null): Promise<readonly SampledToken[]> {
    const { decoder } = this.#parts;
    decoder.begin(this.#adapter(adapter));
    for (const row of rows) this.#fill(row, decoder.addRow(row.slot, row.position, row.samples));
    const samples = rows.flatMap(({ slot, samples: isSampled }, row): RowSample[] => {
      if (!isSampled) return [];
      const { sampler, bans, constraint, topLogprobs } = this.#sampling.get(slot);
      const tentative = constraint !== null && { tentative: { allowed: null } };
      return [{ row, sampler, banned: bans.next(), topLogprobs, ...tentative }];
    });
    const outcome = await decoder.decode(samples);
    if (outcome.kind === 'no-cells') {
      throw new Defect(`No KV cells for ${rows.length} rows, although admission claims them in advance.`);
    }
    const drawn = samples.map((sample, index) =>
      this.#drawn(rows[sample.row], sample, outcome.sampled[index]),
    );
    const enforced = await enforce(drawn, {
      endTokens: this.#endTokens,
      sampleAgain: (refused) => decoder.sampleAgain(refused),
    });
    return enforced.map((taken, index) => this.#result(rows[samples[index]?.row ?? 0], taken));
  }

  end(slot: Slot): void {
    this.#sampling.end(slot);
  }

  suspend(slot: Slot): SuspendedSampling {
    return this.#sampling.suspend(slot);
  }

  resume(slot: Slot, suspended: SuspendedSampling): void {
    this.#sampling.resume(slot, suspended);
  }

  share(from: Slot, to: Slot, first: number, end: number): void {
    this.#parts.decoder.share(from, to, first, end);
  }

  forget(slot: Slot, first: number, end: number): void {
    this.#parts.decoder.forget(slot, first, end);
  }

  close(): void {
    this.#isClosed = true;
    this.#sampling.close();
    this.#parts.closeParts();
  }

  #adapter(id: string | null): LoraAdapter | null {
    if (id === null) return null;
    const adapter = this.#parts.adapters.get(id);
    if (adapter === undefined) throw new Defect(`There is no adapter ${id}.`);
    return adapter;
  }

  #fill({ source }: StepRow, target: Float32Array): void {
    if (source.kind === 'token') {
      this.#parts.embeddings.read(source.token, target);
      return;
    }
    target.set(source.features.row(source.row));
  }

  #drawn(row: StepRow | undefined, sample: RowSample, sampled: Sampled | undefined): Drawn {
    if (row === undefined || sampled === undefined) throw new Defect('A sampled row has no token.');
    return { sample, constraint: this.#sampling.get(row.slot).constraint, ...sampled };
  }

  #result(row: StepRow | undefined, taken: Enforced): SampledToken {
    if (row === undefined) throw new Defect('A token was sampled from no row.');
    const { slot } = row;
    if (taken.kind === 'failed')
      return { slot, token: toTokenId(0), isEnd: false, logprobs: null, failure: taken.failure };
    const token = toTokenId(taken.token);
    this.#sampling.get(slot).bans.accept(token);
    const logprobs = taken.logprobs === null ? null : withTokenIds(taken.logprobs);
    return { slot, token, isEnd: this.#endTokens.has(token), logprobs, isComplete: taken.isComplete };
  }
}

const withTokenIds = ({ logprob, top }: NonNullable<Sampled['logprobs']>): SampledLogprobs => ({
  logprob,
  top: top.map((ranked) => ({ token: toTokenId(ranked.token), logprob: ranked.logprob })),
});

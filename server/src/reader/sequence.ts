// One prompt on its way to one answer: its rows, how many of them are in the KV cache, the text produced so far. Knows
// nothing of batching; the loop decides when rows are computed and hands sampled tokens back.
import type { FinishReason } from 'takeoff-wire';
import { Defect } from '../errors.js';
import type { ImagePayload, SamplingParameters, TokenLogprob, Usage } from '../link/requests/messages.js';
import type { FeatureRows, RowSource, SampledToken, StepRow } from './engine/engine.js';
import type { Slot, TokenId } from './ids.js';
import type { KvDemand } from './kv/kv-owner.js';
import type { PromptItem } from './prompt/encode.js';
import type { OutputText } from './prompt/output-text.js';
import type { TokenLogprobs } from './token-logprobs.js';

/** An image of the request, with the rows it takes. */
export interface SequenceImage {
  readonly payload: ImagePayload;
  readonly rows: number;
}

export interface SequenceStart {
  readonly requestId: string;
  /** Index of the prompt in its request. */
  readonly prompt: number;
  readonly items: readonly PromptItem[];
  readonly images: readonly SequenceImage[];
  readonly sampling: SamplingParameters;
  /** Positions it may use, prompt and answer together. */
  readonly contextTokens: number;
  readonly output: OutputText;
  readonly logprobs: TokenLogprobs;
}

export interface TokenOutcome {
  readonly text: string;
  /** Of the tokens of the text; none unless the request asks for them. */
  readonly logprobs: readonly TokenLogprob[];
  /** Null while the answer goes on. */
  readonly finishReason: FinishReason | null;
}

export class Sequence {
  readonly requestId: string;
  readonly prompt: number;
  readonly sampling: SamplingParameters;
  readonly promptRows: number;
  readonly imageRows: number;
  /** Images of the prompt, in order, without repeats. */
  readonly images: readonly SequenceImage[];
  readonly #items: readonly PromptItem[];
  readonly #payloads: readonly SequenceImage[];
  readonly #features = new Map<SequenceImage, FeatureRows>();
  readonly #maxNewTokens: number;
  readonly #output: OutputText;
  readonly #logprobs: TokenLogprobs;
  #sentCharacters = 0;
  #sources: readonly RowSource[] | undefined;
  #computedRows = 0;
  #generated = 0;
  #lastToken: TokenId | undefined;

  constructor(start: SequenceStart) {
    this.requestId = start.requestId;
    this.prompt = start.prompt;
    this.sampling = start.sampling;
    this.#items = start.items;
    this.#payloads = start.images;
    this.#output = start.output;
    this.#logprobs = start.logprobs;
    const used = start.items.flatMap((item) => (item.kind === 'image' ? [this.#image(item.image)] : []));
    this.images = [...new Set(used)];
    this.imageRows = used.reduce((sum, image) => sum + image.rows, 0);
    this.promptRows = start.items.length - used.length + this.imageRows;
    this.#maxNewTokens = Math.min(start.sampling.maxNewTokens, start.contextTokens - this.promptRows);
  }

  /** What it needs of the KV cache. */
  get kvDemand(): KvDemand {
    return { promptRows: this.promptRows, maxRows: this.promptRows + this.#maxNewTokens };
  }

  get usage(): Usage {
    return { promptTokens: this.promptRows, imageTokens: this.imageRows, generatedTokens: this.#generated };
  }

  /** The first image whose features are still needed before rows can be computed. */
  get missingImage(): SequenceImage | undefined {
    return this.images.find((image) => !this.#features.has(image));
  }

  supply(image: SequenceImage, features: FeatureRows): void {
    if (features.rows !== image.rows) {
      throw new Defect(`An image was counted as ${image.rows} rows and encoded as ${features.rows}.`);
    }
    this.#features.set(image, features);
  }

  get promptRowsLeft(): number {
    return Math.max(0, this.promptRows - this.#computedRows);
  }

  /** The next rows for the engine: `count` of the prompt, or the last token's. Counted as computed. */
  takeRows(slot: Slot, count: number): StepRow[] {
    const first = this.#computedRows;
    this.#computedRows += count;
    if (first >= this.promptRows) {
      if (this.#lastToken === undefined || count !== 1)
        throw new Defect('A decoding sequence adds one row a step.');
      return [{ slot, position: first, source: { kind: 'token', token: this.#lastToken }, samples: true }];
    }
    this.#sources ??= this.#layOut();
    const rows = this.#sources.slice(first, first + count);
    return rows.map((source, i) => ({
      slot,
      position: first + i,
      source,
      samples: first + i === this.promptRows - 1,
    }));
  }

  /** Takes a sampled token in: the text it adds and whether the answer ends with it. */
  accept(sampled: SampledToken): TokenOutcome {
    if (sampled.isEnd) return this.#outcome(this.#output.finish().text, 'stop');
    this.#lastToken = sampled.token;
    this.#generated += 1;
    this.#logprobs.add(sampled, this.#output.characterCount);
    const { text, isStopped } = this.#output.push(sampled.token);
    if (isStopped) return this.#outcome(text, 'stop');
    if (this.#generated < this.#maxNewTokens) return this.#outcome(text, null);
    return this.#outcome(text + this.#output.finish().text, 'length');
  }

  #outcome(text: string, finishReason: FinishReason | null): TokenOutcome {
    this.#sentCharacters += text.length;
    return { text, logprobs: this.#logprobs.takeBefore(this.#sentCharacters), finishReason };
  }

  #layOut(): RowSource[] {
    return this.#items.flatMap((item): RowSource[] => {
      if (item.kind === 'token') return [{ kind: 'token', token: item.id }];
      const features = this.#features.get(this.#image(item.image));
      if (features === undefined) throw new Defect(`Image ${item.image} of the prompt is not encoded.`);
      return Array.from({ length: features.rows }, (_, row) => ({ kind: 'features', features, row }));
    });
  }

  #image(index: number): SequenceImage {
    const image = this.#payloads[index];
    if (image === undefined) throw new Defect(`The prompt names image ${index} of ${this.#payloads.length}.`);
    return image;
  }
}

// One prompt on its way to one answer: its rows, how many of them are in the KV cache, the text produced so far. Knows
// nothing of batching; the loop decides when rows are computed and hands sampled tokens back.
import type { FinishReason } from 'takeoff-wire';
import { Defect } from '../errors.js';
import type { ImagePayload, SamplingParameters, TokenLogprob, Usage } from '../link/requests/messages.js';
import type { CompiledConstraint } from './constraint/constraints.js';
import type { FeatureRows, RowSource, SampledToken, StepRow } from './engine/engine.js';
import type { Slot, TokenId } from './ids.js';
import type { KvDemand } from './kv/kv-owner.js';
import type { RowKey, RowNumbers } from './kv/row-key.js';
import type { PromptItem } from './prompt/encode.js';
import type { OutputText } from './prompt/output-text.js';
import type { TokenLogprobs } from './token-logprobs.js';

/** An image of the request, with the rows it takes. */
export interface SequenceImage {
  /** What its features and its rows are known by (vision/image-identity.ts). */
  readonly identity: string;
  readonly payload: ImagePayload;
  readonly rows: number;
  /** The same number where rows are left out; null where all are kept. */
  readonly keptRows: number | null;
}

export interface SequenceStart {
  readonly requestId: string;
  /** Index of the prompt in its request. */
  readonly prompt: number;
  readonly items: readonly PromptItem[];
  readonly images: readonly SequenceImage[];
  /** Rows are shared only among sequences of the same salt; null among those without one. */
  readonly cacheSalt: string | null;
  /** Name of the adapter that its rows go through; null means none. */
  readonly adapter: string | null;
  readonly rowNumbers: RowNumbers;
  readonly sampling: SamplingParameters;
  /** Positions it may use, prompt and answer together. */
  readonly contextTokens: number;
  readonly output: OutputText;
  /** Null where the answer may be any text. */
  readonly constraint?: CompiledConstraint | null;
  readonly logprobs: TokenLogprobs;
}

export interface TokenOutcome {
  readonly text: string;
  /** Of the tokens of the text; none unless the request asks for them. */
  readonly logprobs: readonly TokenLogprob[];
  /** Null while the answer goes on. */
  readonly finishReason: FinishReason | null;
}

/** A place of an image in the prompt. */
interface ImageSpan {
  readonly image: SequenceImage;
  readonly firstRow: number;
  readonly endRow: number;
}

type PromptRow =
  | { readonly kind: 'token'; readonly token: TokenId }
  | { readonly kind: 'image'; readonly image: SequenceImage; readonly row: number };

export class Sequence {
  readonly requestId: string;
  readonly prompt: number;
  readonly adapter: string | null;
  readonly sampling: SamplingParameters;
  readonly constraint: CompiledConstraint | null;
  readonly promptRows: number;
  readonly imageRows: number;
  readonly #start: SequenceStart;
  /** In order of their rows. */
  readonly #spans: readonly ImageSpan[];
  readonly #features = new Map<SequenceImage, FeatureRows>();
  readonly #maxNewTokens: number;
  #sentCharacters = 0;
  /** Tokens of the answer; each is the row behind the one it was sampled from. */
  readonly #answer: TokenId[] = [];
  #layout: readonly PromptRow[] | undefined;
  #promptKeys: readonly RowKey[] | undefined;
  #demand: KvDemand | undefined;
  #computedRows = 0;
  /** Rows that had been computed when it was last put back. */
  #formerRows = 0;
  #cachedRows = 0;

  constructor(start: SequenceStart) {
    this.requestId = start.requestId;
    this.prompt = start.prompt;
    this.adapter = start.adapter;
    this.sampling = start.sampling;
    this.constraint = start.constraint ?? null;
    this.#start = start;
    let row = 0;
    const spans: ImageSpan[] = [];
    for (const item of start.items) {
      if (item.kind === 'token') {
        row += 1;
        continue;
      }
      const image = this.#image(item.image);
      spans.push({ image, firstRow: row, endRow: row + image.rows });
      row += image.rows;
    }
    this.#spans = spans;
    this.promptRows = row;
    this.imageRows = spans.reduce((sum, { image }) => sum + image.rows, 0);
    this.#maxNewTokens = Math.min(start.sampling.maxNewTokens, start.contextTokens - row);
  }

  /** What it needs of the KV cache. Made when it is first asked for, since a queue may be long and prompts too. */
  get kvDemand(): KvDemand {
    this.#promptKeys ??= this.#numberRows();
    this.#demand ??= {
      promptRows: this.#answer.length === 0 ? this.#promptKeys : [...this.#promptKeys, ...this.#answer],
      maxRows: this.promptRows + this.#maxNewTokens,
    };
    return this.#demand;
  }

  get usage(): Usage {
    return {
      promptTokens: this.promptRows,
      imageTokens: this.imageRows,
      cachedTokens: this.#cachedRows,
      generatedTokens: this.#answer.length,
    };
  }

  /** Whether its next row is the last token of its answer so far. */
  get isDecoding(): boolean {
    return this.#answer.length > 0 && this.#rowsLeft === 1;
  }

  /** Rows that can be computed now: up to the next image whose features are not there. */
  get rowsReady(): number {
    const end = this.#missingSpan?.firstRow ?? this.#computedRows + this.#rowsLeft;
    return Math.max(0, end - this.#computedRows);
  }

  /** The next image whose features are needed: some of its rows have to be computed. */
  get missingImage(): SequenceImage | undefined {
    return this.#missingSpan?.image;
  }

  supply(image: SequenceImage, features: FeatureRows): void {
    if (features.rows !== image.rows) {
      throw new Defect(`An image was counted as ${image.rows} rows and encoded as ${features.rows}.`);
    }
    this.#features.set(image, features);
  }

  /** Whether some of its rows have to be computed from these features. */
  needs(features: FeatureRows): boolean {
    return [...this.#features.values()].includes(features);
  }

  /** Goes on behind the first `rows` rows, which are in the cache already. */
  skipTo(rows: number): void {
    if (rows <= this.#computedRows) return;
    const allRows = this.#computedRows + this.#rowsLeft;
    if (rows >= allRows)
      throw new Defect(
        `${rows} rows were found for a sequence of ${allRows}, of which the last is computed.`,
      );
    this.#cachedRows += Math.max(0, rows - Math.max(this.#computedRows, this.#formerRows));
    this.#computedRows = rows;
  }

  /** Gives up its rows: whoever put it back lets it be computed anew, its answer so far behind its prompt. */
  restart(): void {
    this.#formerRows = Math.max(this.#formerRows, this.#computedRows);
    this.#computedRows = 0;
    this.#demand = undefined;
    this.#features.clear();
  }

  /** The next rows for the engine. Counted as computed. */
  takeRows(slot: Slot, count: number): StepRow[] {
    if (count > this.rowsReady)
      throw new Defect(`${count} rows were asked for, of which ${this.rowsReady} are ready.`);
    const first = this.#computedRows;
    const last = first + this.#rowsLeft - 1;
    const rows = Array.from({ length: count }, (_, i): StepRow => {
      const position = first + i;
      return { slot, position, source: this.#sourceOf(position), samples: position === last };
    });
    this.#computedRows += count;
    this.#dropFeatures();
    return rows;
  }

  /** The numbers of the rows that were taken, from one on. */
  rowKeysFrom(first: number): readonly RowKey[] {
    this.#promptKeys ??= this.#numberRows();
    const end = this.#computedRows;
    const answer = this.#answer.slice(
      Math.max(0, first - this.promptRows),
      Math.max(0, end - this.promptRows),
    );
    return first >= this.promptRows ? answer : [...this.#promptKeys.slice(first, end), ...answer];
  }

  /** Takes a sampled token in: the text it adds and whether the answer ends with it. */
  accept(sampled: SampledToken): TokenOutcome {
    const { output, logprobs } = this.#start;
    if (sampled.isEnd) return this.#outcome(output.finish().text, 'stop');
    this.#answer.push(sampled.token);
    logprobs.add(sampled, output.characterCount);
    const { text, isStopped } = output.push(sampled.token);
    if (isStopped) return this.#outcome(text, 'stop');
    if (sampled.isComplete === true) return this.#outcome(text + output.finish().text, 'stop');
    if (this.#answer.length < this.#maxNewTokens) return this.#outcome(text, null);
    return this.#outcome(text + output.finish().text, 'length');
  }

  #outcome(text: string, finishReason: FinishReason | null): TokenOutcome {
    this.#sentCharacters += text.length;
    return { text, logprobs: this.#start.logprobs.takeBefore(this.#sentCharacters), finishReason };
  }

  get #rowsLeft(): number {
    return this.promptRows + this.#answer.length - this.#computedRows;
  }

  get #missingSpan(): ImageSpan | undefined {
    return this.#spans.find(({ image, endRow }) => endRow > this.#computedRows && !this.#features.has(image));
  }

  #sourceOf(position: number): RowSource {
    const token = this.#answer[position - this.promptRows];
    if (token !== undefined) return { kind: 'token', token };
    this.#layout ??= this.#layOut();
    const row = this.#layout[position];
    if (row === undefined) throw new Defect(`A sequence has no row ${position}.`);
    if (row.kind === 'token') return row;
    const features = this.#features.get(row.image);
    if (features === undefined)
      throw new Defect('A row of an image was asked for whose features are not there.');
    return { kind: 'features', features, row: row.row };
  }

  #layOut(): PromptRow[] {
    return this.#start.items.flatMap((item): PromptRow[] => {
      if (item.kind === 'token') return [{ kind: 'token', token: item.id }];
      const image = this.#image(item.image);
      return Array.from({ length: image.rows }, (_, row) => ({ kind: 'image', image, row }));
    });
  }

  #numberRows(): RowKey[] {
    const { items, rowNumbers, adapter, cacheSalt } = this.#start;
    const keys = items.flatMap((item): RowKey[] => {
      if (item.kind === 'token') return [item.id];
      const { identity, rows } = this.#image(item.image);
      return rowNumbers.image(identity, rows);
    });
    const [first, ...others] = keys;
    if (first === undefined) return keys;
    const adapted = adapter === null ? first : rowNumbers.adapted(first, adapter);
    return [cacheSalt === null ? adapted : rowNumbers.salted(adapted, cacheSalt), ...others];
  }

  /** Features are large; the store keeps those that may be needed again. */
  #dropFeatures(): void {
    for (const image of this.#features.keys()) {
      const isNeeded = this.#spans.some((span) => span.image === image && span.endRow > this.#computedRows);
      if (!isNeeded) this.#features.delete(image);
    }
  }

  #image(index: number): SequenceImage {
    const image = this.#start.images[index];
    if (image === undefined)
      throw new Defect(`The prompt names image ${index} of ${this.#start.images.length}.`);
    return image;
  }
}

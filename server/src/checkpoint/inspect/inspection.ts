// What is known of a model without loading it, as plain data: for people as aligned lines, for programs as JSON.
import type { LoraFacts } from '../merge/open-lora.js';
import type { TemplateSource, VisionSettings } from '../../model/description.js';
import type { TextQuant } from '../../model/quantisation.js';
import type { TowerShape } from '../../model/tower-shape.js';

export interface Problem {
  /** Code of the error that serving the model would end with. */
  readonly code: string;
  readonly message: string;
}

interface TextFacts {
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocabularyRows: number | null;
}

export interface TensorFacts {
  readonly count: number;
  readonly bytes: number;
  /** How many there are of each element type. */
  readonly types: Readonly<Record<string, number>>;
  /** Names of the files, without folders. */
  readonly files: readonly string[];
}

interface TowerFacts extends Pick<TowerShape, 'sidePx' | 'patchPx' | 'hiddenSize' | 'activation'> {
  /** As the configuration names it; null when it names none. */
  readonly name: string | null;
  /** Where the weights are taken from: `inside`, or a folder. */
  readonly from: string;
  readonly layers: number;
  readonly layersUsed: number;
}

export interface ImageFacts extends Pick<VisionSettings, 'aspect' | 'mergeType' | 'keepsClassToken'> {
  readonly projector: string;
  readonly gridPinpoints: VisionSettings['gridPinpoints'];
}

interface TemplateFacts {
  /** Of a fixed template its name, of one in Jinja where it stands. */
  readonly name: string;
  readonly reason: string;
}

export const templateFacts = (template: TemplateSource, reason: string): TemplateFacts => ({
  name: typeof template === 'string' ? template : template.place,
  reason,
});

export interface TokenizerFacts {
  readonly kind: 'sentencepiece' | 'bpe';
  readonly legacy: boolean;
  readonly tokens: number;
  readonly addedTokens: readonly string[];
  readonly endIds: readonly number[];
}

/** Bytes at one type of the language model's weights. What a step computes with comes on top: some hundred megabytes. */
export interface MemoryNeed {
  readonly type: TextQuant | 'as stored';
  readonly weightBytes: number;
  /** Tower and projector. */
  readonly towerBytes: number;
  /** Keys and values of one sequence of full length. */
  readonly kvCacheBytes: number;
  readonly totalBytes: number;
  /** Whether `auto` chooses this type. */
  readonly isAuto: boolean;
}

export interface Inspection {
  readonly source: string;
  readonly layout: 'original' | 'transformers' | 'gguf pair' | null;
  readonly architecture: string | null;
  /** What is merged into what; null for anything but a LoRA checkpoint. */
  readonly lora: LoraFacts | null;
  readonly text: TextFacts | null;
  readonly contextTokens: number | null;
  readonly tensors: TensorFacts | null;
  readonly tower: TowerFacts | null;
  readonly images: ImageFacts | null;
  readonly tokenizer: TokenizerFacts | null;
  readonly template: TemplateFacts | null;
  /** Empty when the model cannot be served. */
  readonly memory: readonly MemoryNeed[];
  /** What a GGUF pair of another writer does not say and was found out, and from what. */
  readonly conclusions: readonly string[];
  readonly warnings: readonly string[];
  /** Empty when the model can be served. */
  readonly problems: readonly Problem[];
}

export const NOTHING_KNOWN = {
  layout: null,
  architecture: null,
  lora: null,
  text: null,
  contextTokens: null,
  tensors: null,
  tower: null,
  images: null,
  tokenizer: null,
  template: null,
  memory: [],
  conclusions: [],
} as const satisfies Partial<Inspection>;

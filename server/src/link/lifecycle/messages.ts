// The lifecycle protocol between a reader and whoever supervises it: start, progress, ready or failed, signs of life, drain. It
// carries no secret, because a shared transport may carry it; what the model hub asks for travels beside it (link/secrets.ts).
// A change that an older process would misread raises LIFECYCLE_VERSION.
import type { ImageTokenBudget } from '../../model/image-token-budget.js';
import type { ImageForm, TemplateName } from '../../model/description.js';
import type { CacheBits } from '../../model/cache-bits.js';
import type { ApiDialectChoice } from '../../model/api-dialect.js';
import type { ConstrainedDecoding } from '../../model/constrained-decoding.js';
import type { ReaderDevice } from '../../model/device.js';
import type { KernelChoice } from '../../model/kernels.js';
import type { MemorySize } from '../../model/memory-size.js';
import type { TextQuantChoice, TowerQuantChoice } from '../../model/quantisation.js';
import type { ReaderCounts } from './reader-counts.js';

export const LIFECYCLE_VERSION = 7;

/** What a process speaks; the other side refuses what it does not know. */
export interface ProtocolVersions {
  readonly lifecycle: number;
  readonly requests: number;
}

/** What renders conversations: a fixed template, or a file with one in Jinja that the reader reads. */
export type ChatTemplateSetting =
  { readonly kind: 'named'; readonly name: TemplateName } | { readonly kind: 'file'; readonly path: string };

/** A cluster that speaks OpenAI's API. Its key is a secret and travels beside the protocol. */
export interface ApiTarget {
  readonly url: string;
  /** Null: the only one that it serves. */
  readonly model: string | null;
  readonly dialect: ApiDialectChoice;
  /** How long a prompt waits for a cluster that has no room. */
  readonly busyTimeoutMs: number;
}

/** What a reader is started with. */
export interface ReaderStart {
  readonly readerId: string;
  /** A folder, a GGUF file or a hub id. */
  readonly modelName: string;
  /** Which of several mmproj files beside a GGUF model; null means the only one. */
  readonly projectorFile: string | null;
  /** The base of a LoRA checkpoint: a folder or a hub id; null means that the checkpoint names it. */
  readonly modelBase: string | null;
  /** LoRA adapters by the names that requests use: a folder of PEFT, a GGUF file or a hub id of each. */
  readonly loras: Readonly<Record<string, string>>;
  readonly device: ReaderDevice;
  /** Who answers instead of a model of this machine; null: nobody. */
  readonly api: ApiTarget | null;
  /** Layers on GPUs; the output counts as one. */
  readonly gpuLayers: number | 'auto';
  /** GPUs that the process sees; null means all. */
  readonly cudaVisibleDevices: string | null;
  /** GPUs that share the model. */
  readonly tensorParallel: number;
  /** Null means: as exact as the weights ask for. */
  readonly quantizeCacheBits: CacheBits | null;
  /** How often the reader ended before because memory ran out; each time halves its KV cache. */
  readonly kvHalvings: number;
  /** Where converted models are kept. */
  readonly repositoryPath: string;
  readonly quantType: TextQuantChoice;
  readonly visionQuantType: TowerQuantChoice;
  /** 0 means: what the model can hold. */
  readonly maxSequenceLength: number;
  readonly maxBatchSize: number;
  /** Null means: chosen from the model. */
  readonly chatTemplate: ChatTemplateSetting | null;
  /** Memory of the KV cache; null means: chosen from the free memory. */
  readonly pageCacheSize: MemorySize | null;
  /** Memory for features of images. */
  readonly imageCacheSize: MemorySize;
  /** Rows of each image at most, where a request says nothing. */
  readonly imageTokenBudget: ImageTokenBudget;
  /** Between two tokens of an answer while prompts and images of others are worked on; auto follows what a token takes alone. */
  readonly stepTargetMs: number | 'auto';
  /** Prompt rows of a step at most. */
  readonly prefillChunkSize: number;
  /** Whether rows of prompts are kept for prompts that begin alike. */
  readonly prefixCache: boolean;
  /** 0 means: one per physical core. */
  readonly threads: number;
  /** Our own kernels for products on the CPU. */
  readonly kernels: KernelChoice;
  /** Folder of a llama.cpp to use instead of the npm packages; null means the packages. */
  readonly llamaLibDir: string | null;
  readonly hubEndpoint: string;
  /** Use what is cached and open no connection. */
  readonly hubOffline: boolean;
  /** Whether requests may have a schema or pattern: none refuses them, the other words mean the same. */
  readonly constrainedDecodingBackend: ConstrainedDecoding;
  /** How long a schema or pattern of a request may take to compile. */
  readonly constraintTimeoutMs: number;
  /** Answer with the prompt instead of a model: for tests, and to measure everything around the model. */
  readonly echo: boolean;
}

/** What status pages call the device of a reader that is not live; an echo reader computes on none. */
export const shownDevice = ({ device, echo }: ReaderStart): string => (echo ? 'echo' : device);

/** The first message to a reader, and only the first. */
export interface StartMessage {
  readonly kind: 'start';
  readonly versions: ProtocolVersions;
  readonly start: ReaderStart;
}

/** Finish what is accepted, then exit with 0. */
export interface DrainMessage {
  readonly kind: 'drain';
}

/** Begin no more answers than these at the same time; what the reader was loaded for stays the most. */
export interface LimitMessage {
  readonly kind: 'limit';
  readonly maxBatchSize: number;
}

/** To the reader. */
export type LifecycleMessage = StartMessage | DrainMessage | LimitMessage;

/** What the gateway must know of a live reader. */
export interface ReaderCard {
  readonly modelName: string;
  /** The architecture, as /status shows it. */
  readonly modelType: string;
  /** What it computes on, never `auto`. */
  readonly device: string;
  /** Which device it is in full, and why it was taken. */
  readonly deviceReason: string;
  /** Positions one sequence may use, prompt and answer together. */
  readonly contextTokens: number;
  /** Sequences that run at the same time. */
  readonly maxSequences: number;
  /** Null when the model takes no images. */
  readonly vision: ImageForm | null;
  /** Rows of each image at most, where a request says nothing. */
  readonly imageTokenBudget: ImageTokenBudget;
  /** Names of its LoRA adapters. */
  readonly loras: readonly string[];
}

export interface LoadingEvent {
  readonly kind: 'loading';
  readonly stage: string;
  readonly fraction: number | null;
}
export interface ReadyEvent {
  readonly kind: 'ready';
  readonly versions: ProtocolVersions;
  readonly card: ReaderCard;
}
/** The model cannot be served; the process exits. The message is for the operator. */
export interface FailedEvent {
  readonly kind: 'failed';
  readonly code: string;
  readonly message: string;
}
export interface LogEvent {
  readonly kind: 'log';
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
}
/** Sent once a second: sequences that run, and how many steps and slices of vision work the engine has ended so far. */
export interface HeartbeatEvent {
  readonly kind: 'heartbeat';
  readonly running: number;
  readonly steps: number;
  readonly counts: ReaderCounts;
}

/** From the reader. */
export type LifecycleEvent = LoadingEvent | ReadyEvent | FailedEvent | LogEvent | HeartbeatEvent;

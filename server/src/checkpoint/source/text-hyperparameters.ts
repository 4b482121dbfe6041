// The language model's shape from config.json, with the defaults that transformers' configuration classes fill in for keys a
// file leaves out (LlamaConfig and MistralConfig of 4.37; a model card may rely on any of them).
import { unsupported } from '../failures.js';
import type { TextConfig } from './config-schema.js';
import { ropeFacts, type RopeScaling } from './rope-scaling.js';

/** What the configuration says by itself. */
export interface DecoderShape {
  readonly hiddenSize: number;
  readonly feedForwardSize: number;
  readonly layerCount: number;
  readonly headCount: number;
  readonly kvHeadCount: number;
  /** Elements per head. */
  readonly headSize: number;
  readonly rmsEpsilon: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling | null;
  /** Positions the model was made for, a sliding window respected. */
  readonly contextTokens: number;
}

export interface TextHyperparameters extends DecoderShape {
  /** Whether the output matrix is the embedding, which the stored tensors help to decide (config-parts.ts). */
  readonly tiesEmbeddings: boolean;
}

export type TextFamily = 'llama' | 'mistral';

const DEFAULTS = {
  llama: { feedForwardSize: 11008, kvHeadCount: undefined, contextTokens: 2048, slidingWindow: null },
  mistral: { feedForwardSize: 14336, kvHeadCount: 8, contextTokens: 131072, slidingWindow: 4096 },
} as const;
const DEFAULT_HIDDEN_SIZE = 4096;
const DEFAULT_LAYERS = 32;
const DEFAULT_HEADS = 32;
const DEFAULT_RMS_EPSILON = 1e-6;

/** @throws CheckpointError checkpoint.unsupported */
export function decoderShape(config: TextConfig, family: TextFamily, file: string): DecoderShape {
  const defaults = DEFAULTS[family];
  const hiddenSize = config.hidden_size ?? DEFAULT_HIDDEN_SIZE;
  const headCount = config.num_attention_heads ?? DEFAULT_HEADS;
  // Absent, the class's default counts; null means one for each head.
  const kvHeadCount =
    (config.num_key_value_heads === undefined ? defaults.kvHeadCount : config.num_key_value_heads) ??
    headCount;
  const headSize = config.head_dim ?? hiddenSize / headCount;
  if (!Number.isInteger(headSize) || headSize % 2 !== 0 || headCount % kvHeadCount !== 0) {
    throw unsupported(
      file,
      `${headCount} heads (${kvHeadCount} for keys and values) do not divide a hidden size of ${hiddenSize} into heads of even size.`,
    );
  }
  validateVariant(config, file);
  const window = config.sliding_window === undefined ? defaults.slidingWindow : config.sliding_window;
  const ownContext = config.max_position_embeddings ?? defaults.contextTokens;
  const rope = ropeFacts(config, ownContext, file);
  return {
    hiddenSize,
    feedForwardSize: config.intermediate_size ?? defaults.feedForwardSize,
    layerCount: config.num_hidden_layers ?? DEFAULT_LAYERS,
    headCount,
    kvHeadCount,
    headSize,
    rmsEpsilon: config.rms_norm_eps ?? DEFAULT_RMS_EPSILON,
    ropeTheta: rope.theta,
    ropeScaling: rope.scaling,
    // The attention of llama.cpp's `llama` architecture has no window: within one window, both are the same.
    contextTokens: window === null ? ownContext : Math.min(ownContext, window),
  };
}

function validateVariant(config: TextConfig, file: string): void {
  const activation = config.hidden_act ?? 'silu';
  if (activation !== 'silu')
    throw unsupported(
      file,
      `hidden_act is ${activation}; only silu models of the Llama family are supported.`,
    );
  if (config.attention_bias === true || config.mlp_bias === true)
    throw unsupported(
      file,
      'attention_bias or mlp_bias is true; Llama models with biases are not supported.',
    );
}

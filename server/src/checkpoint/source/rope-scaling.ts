// How a language model stretches its rotary positions, from rope_scaling or rope_parameters of its configuration. Follows transformers 5.18
// (modeling_rope_utils.py), whose configurations say more than the reference's: YaRN is unknown to 4.37. What depends on the length of a
// prompt beyond max_position_embeddings is served within them.
import { unsupported } from '../failures.js';
import type { RopeConfig, TextConfig } from './config-schema.js';

export type RopeScaling =
  | { readonly kind: 'linear'; readonly factor: number }
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
      readonly originalContextTokens: number;
    }
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      /** Multiplies cosine and sine, so that attention scores gain its square. */
      readonly attentionFactor: number;
      /** Frequencies that turn more often than this within the original context stay as they are. */
      readonly fastTurns: number;
      /** Those that turn less often than this are divided by the factor; between the two, both are mixed. */
      readonly slowTurns: number;
      /** Whether the ends of that range are rounded to whole pairs. */
      readonly roundsRange: boolean;
      readonly originalContextTokens: number;
    };

interface RopeFacts {
  readonly theta: number;
  /** Null where positions are plain. */
  readonly scaling: RopeScaling | null;
}

const DEFAULT_THETA = 10_000;
const DEFAULT_FAST_TURNS = 32;
const DEFAULT_SLOW_TURNS = 1;

/**
 * `contextTokens` are max_position_embeddings.
 * @throws CheckpointError checkpoint.unsupported
 */
export function ropeFacts(config: TextConfig, contextTokens: number, file: string): RopeFacts {
  const { rope } = statedRope(config);
  const theta = rope.rope_theta ?? config.rope_theta ?? DEFAULT_THETA;
  const originalContextTokens =
    config.original_max_position_embeddings ?? rope.original_max_position_embeddings ?? contextTokens;
  const kind = kindOf(rope);
  switch (kind) {
    case 'default':
      return { theta, scaling: null };
    case 'dynamic':
      // The base grows with sequences longer than max_position_embeddings, which are not served.
      return { theta, scaling: null };
    case 'linear':
      return { theta, scaling: linear(rope, file) };
    case 'llama3':
      return { theta, scaling: llama3(rope, originalContextTokens, file) };
    case 'yarn':
      return { theta, scaling: yarn(rope, theta, contextTokens, originalContextTokens, file) };
    default:
      throw unsupported(
        file,
        `rope_scaling of type ${JSON.stringify(kind)} is not supported; linear, llama3, dynamic and yarn are.`,
      );
  }
}

/** What an operator should know of a scaling that loads, to follow the name of its key; undefined where there is nothing. */
export function ropeCaveat(
  config: TextConfig,
  contextTokens: number,
): { readonly key: string; readonly what: string } | undefined {
  const { key, rope } = statedRope(config);
  const kind = kindOf(rope);
  const within = `is of type ${kind}: the model is served within max_position_embeddings (${contextTokens} tokens)`;
  if (kind === 'dynamic') return { key, what: `${within}, where it changes nothing.` };
  if (kind === 'yarn') return { key, what: `${within}, with the frequencies of YaRN at every length.` };
  return undefined;
}

/** transformers 5 reads both keys, the older name first (convert_rope_params_to_dict). */
function statedRope(config: TextConfig): { readonly key: string; readonly rope: RopeConfig } {
  const { rope_scaling: older, rope_parameters: newer } = config;
  return older === null || older === undefined
    ? { key: 'rope_parameters', rope: newer ?? {} }
    : { key: 'rope_scaling', rope: older };
}

const kindOf = (rope: RopeConfig): string => rope.rope_type ?? rope.type ?? 'default';

function linear({ factor }: RopeConfig, file: string): RopeScaling {
  if (typeof factor !== 'number') throw lacks('linear', 'factor', file);
  return { kind: 'linear', factor };
}

function llama3(rope: RopeConfig, originalContextTokens: number, file: string): RopeScaling {
  const { factor, low_freq_factor: low, high_freq_factor: high } = rope;
  if (typeof factor !== 'number' || typeof low !== 'number' || typeof high !== 'number' || low >= high)
    throw lacks('llama3', 'factor, and low_freq_factor below high_freq_factor', file);
  return {
    kind: 'llama3',
    factor,
    lowFrequencyFactor: low,
    highFrequencyFactor: high,
    originalContextTokens,
  };
}

function yarn(
  rope: RopeConfig,
  theta: number,
  contextTokens: number,
  originalContextTokens: number,
  file: string,
): RopeScaling {
  if (theta <= 1) throw lacks('yarn', 'a rope_theta above 1', file);
  const factor = rope.factor ?? contextTokens / originalContextTokens;
  return {
    kind: 'yarn',
    factor,
    attentionFactor: rope.attention_factor ?? attentionFactorOf(factor, rope),
    fastTurns: nonZero(rope.beta_fast) ?? DEFAULT_FAST_TURNS,
    slowTurns: nonZero(rope.beta_slow) ?? DEFAULT_SLOW_TURNS,
    roundsRange: rope.truncate ?? true,
    originalContextTokens,
  };
}

function attentionFactorOf(factor: number, rope: RopeConfig): number {
  const scaleOf = (weight: number) => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1);
  const [over, under] = [nonZero(rope.mscale), nonZero(rope.mscale_all_dim)];
  return over === undefined || under === undefined ? scaleOf(1) : scaleOf(over) / scaleOf(under);
}

/** Python takes 0 for absent, and so do these keys there. */
const nonZero = (value: number | null | undefined): number | undefined =>
  value === 0 ? undefined : (value ?? undefined);

const lacks = (kind: string, what: string, file: string) =>
  unsupported(file, `rope_scaling of type ${kind} needs ${what}.`);

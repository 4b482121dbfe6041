// Weights that another program has quantised. The tensors decide, by names and types: a quantization_config alone is what merging a QLoRA
// or de-quantising leaves behind.
import type { CheckpointError } from '../../errors.js';
import { unsupported } from '../failures.js';
import type { JsonFile } from '../files/json-file.js';
import type { LlavaConfig } from './config-schema.js';

/** Tensors beside or instead of weights: AWQ and GPTQ, bitsandbytes in 8 and 4 bits, compressed-tensors, fp8. */
const QUANTISED_NAME =
  /\.(?:qweight|qzeros|scales|g_idx|SCB|weight_format|weight\.(?:absmax|nested_absmax|quant_map|nested_quant_map|quant_state\..+)|weight_packed|weight_scale(?:_inv)?|weight_zero_point|weight_shape|input_scale)$/;
/** Methods whose name in a configuration is evidence enough where no tensor can be looked at: nobody merges into them. */
const PACKED_METHODS = ['awq', 'gptq', 'compressed-tensors', 'fp8'];

export const isQuantisedName = (name: string): boolean => QUANTISED_NAME.test(name);

export function quantised(config: LlavaConfig, place: string): CheckpointError {
  const method = methodOf(config) ?? 'unknown method';
  return unsupported(
    place,
    `The weights are already quantised (${method}); AWQ, GPTQ and bitsandbytes checkpoints are not supported. Load the original 16-bit checkpoint and choose a type with TAKEOFF_QUANT_TYPE.`,
  );
}

/**
 * Whether the weights are quantised as far as can be told before they are there: by the names in an index, without one by a method that
 * leaves no float weights.
 */
export function isQuantisedByName(config: LlavaConfig, names: Iterable<string> | undefined): boolean {
  if (names !== undefined) return [...names].some(isQuantisedName);
  return PACKED_METHODS.includes(methodOf(config) ?? '');
}

/** The warning for a key that says otherwise than the tensors do, which are floats. */
export function leftBehindQuantisation(
  config: LlavaConfig,
  place: JsonFile<LlavaConfig>['place'],
): string | undefined {
  const path = keyPath(config);
  if (path === undefined) return undefined;
  return `${place(path)} names ${methodOf(config) ?? 'a quantisation'}, but all weights are floats, as merging a QLoRA leaves them; it is passed over.`;
}

const methodOf = ({ quantization_config: own, text_config: text }: LlavaConfig): string | null =>
  own?.quant_method ?? text?.quantization_config?.quant_method ?? null;

function keyPath({ quantization_config: own, text_config: text }: LlavaConfig): string[] | undefined {
  if (own !== null && own !== undefined) return ['quantization_config'];
  const inner = text?.quantization_config;
  return inner === null || inner === undefined ? undefined : ['text_config', 'quantization_config'];
}

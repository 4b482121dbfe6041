// What the names of quantisations mean: the main type of each, and what `auto` chooses.
import type { TextQuant, TextQuantChoice, TowerQuant, TowerQuantChoice } from '../../model/quantisation.js';
import type { TensorType } from '../../model/tensor-types.js';
import type { Checkpoint } from '../source/checkpoint.js';
import type { MappedTensor } from '../source/mapped-tensor.js';

/** Main type of each choice, and its number in `general.file_type` (llama.h, enum llama_ftype). */
export const QUANT_FACTS: Readonly<
  Record<TextQuant, { readonly type: TensorType; readonly fileType: number }>
> = {
  f32: { type: 'F32', fileType: 0 },
  f16: { type: 'F16', fileType: 1 },
  bf16: { type: 'BF16', fileType: 32 },
  q8_0: { type: 'Q8_0', fileType: 7 },
  q4_0: { type: 'Q4_0', fileType: 2 },
  q4_k_m: { type: 'Q4_K', fileType: 15 },
  q5_k_m: { type: 'Q5_K', fileType: 17 },
  q6_k: { type: 'Q6_K', fileType: 18 },
};

/** Above this size in f16, a language model on a CPU is bound by memory, and 4 bits are the better default. */
const LARGE_TEXT_BYTES = 2e9;
/** Below this size in f32, a tower costs nothing worth saving, so it is kept exactly. */
const SMALL_TOWER_BYTES = 256e6;

/** f16 for small models, q4_0 above 2 GB. */
export function chooseTextQuant(wanted: TextQuantChoice, checkpoint: Checkpoint): TextQuant {
  if (wanted !== 'auto') return wanted;
  return elementsOf(checkpoint.textTensors) * 2 > LARGE_TEXT_BYTES ? 'q4_0' : 'f16';
}

/** What `auto` tries on a GPU, the most exact first. */
const GPU_QUANTS = ['f16', 'q8_0', 'q4_0'] as const satisfies readonly TextQuant[];
/** Of a GPU's memory; the rest is for the driver and for what a step computes with. */
const GPU_SHARE = 0.9;

/**
 * The most exact type with which the model, its tower and the keys and values of one sequence fit; q4_0 where none fits.
 * @param needs what the model takes at each type
 */
export function chooseTextQuantForGpu(
  needs: readonly { readonly type: string; readonly totalBytes: number }[],
  gpuBytes: number,
): TextQuant {
  const fits = (type: TextQuant): boolean =>
    needs.some((need) => need.type === type && need.totalBytes <= gpuBytes * GPU_SHARE);
  return GPU_QUANTS.find(fits) ?? 'q4_0';
}

/**
 * 16 bits for towers of real size; small ones stay exact. f32 for the language model means f32 everywhere.
 * @param ofLarge which 16 bits: processors compute bf16 faster, GPUs f16
 */
export function chooseTowerQuant(
  wanted: TowerQuantChoice,
  textQuant: TextQuant,
  checkpoint: Checkpoint,
  ofLarge: 'bf16' | 'f16' = 'bf16',
): TowerQuant {
  if (wanted !== 'auto') return wanted;
  if (textQuant === 'f32') return 'f32';
  const { tensors } = checkpoint.vision;
  if (elementsOf(tensors) * 4 > SMALL_TOWER_BYTES) return ofLarge;
  return tensors.every(({ source }) => source.elementType === 'F16') ? 'f16' : 'f32';
}

function elementsOf(tensors: readonly MappedTensor[]): number {
  return tensors.reduce(
    (sum, { dimensions }) => sum + dimensions.reduce((product, dimension) => product * dimension, 1),
    0,
  );
}

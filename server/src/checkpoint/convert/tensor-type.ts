// Which element type each tensor is stored in. For the language model this is the mix of llama.cpp's quantiser, so that a pair
// of ours has the sizes and the quality people know under these names. Source: llama.cpp v0.5.0, src/llama-quant.cpp
// (llama_tensor_get_type_impl, tensor_type_fallback), without the cases for experts and importance matrices.
import type { TextQuant, TowerQuant } from '../../model/quantisation.js';
import { TENSOR_TYPES, type TensorType } from '../../model/tensor-types.js';
import { QUANT_FACTS } from './quantisation.js';

interface TensorPlace {
  readonly ggufName: string;
  /** ggml order. */
  readonly dimensions: readonly number[];
}

export interface TextShape {
  readonly layerCount: number;
  readonly headCount: number;
  readonly kvHeadCount: number;
  readonly tiesEmbeddings: boolean;
}

/** Layers of the 70B Llama, whose few value heads the quantiser treats more gently. */
const LAYERS_OF_70B = 80;

export function textTensorType(place: TensorPlace, quant: TextQuant, shape: TextShape): TensorType {
  const { type } = QUANT_FACTS[quant];
  // Vectors are norms: a few kilobytes that every row passes through.
  if (place.dimensions.length < 2) return 'F32';
  if (!isQuantised(type)) return type;
  return fitting(mixedType(place, quant, type, shape), place);
}

export function towerTensorType(place: TensorPlace, quant: TowerQuant): TensorType {
  const { ggufName, dimensions } = place;
  if (dimensions.length < 2 || ggufName === 'v.position_embd.weight') return 'F32';
  // The convolution's kernel: ggml convolves with f32 or f16 kernels only.
  if (ggufName === 'v.patch_embd.weight') return quant === 'f16' ? 'F16' : 'F32';
  const { type } = QUANT_FACTS[quant];
  return isQuantised(type) ? fitting(type, place) : type;
}

function isQuantised(type: TensorType): boolean {
  return TENSOR_TYPES[type].blockElements > 1;
}

function mixedType(place: TensorPlace, quant: TextQuant, type: TensorType, shape: TextShape): TensorType {
  const { ggufName, dimensions } = place;
  const isOutput = ggufName === 'output.weight' || (shape.tiesEmbeddings && ggufName === 'token_embd.weight');
  if (isOutput) {
    const [rowElements = 0] = dimensions;
    if (rowElements % TENSOR_TYPES[type].blockElements !== 0) return 'Q8_0';
    return type === 'Q8_0' ? type : 'Q6_K';
  }
  const [, layer, part] = /^blk\.(\d+)\.(attn_v|ffn_down)\.weight$/.exec(ggufName) ?? [];
  if (layer === undefined) return type;
  const isMedium = quant === 'q4_k_m' || quant === 'q5_k_m';
  if (isMedium && usesMoreBits(Number(layer), shape.layerCount)) return 'Q6_K';
  const is70B = shape.layerCount === LAYERS_OF_70B && shape.headCount !== shape.kvHeadCount;
  return is70B && part === 'attn_v' && type === 'Q4_K' ? 'Q5_K' : type;
}

/** The first and last eighth of the layers and every third between them. */
function usesMoreBits(layer: number, layerCount: number): boolean {
  const eighth = Math.floor(layerCount / 8);
  return layer < eighth || layer >= Math.floor((7 * layerCount) / 8) || (layer - eighth) % 3 === 2;
}

/** The type itself, or what the quantiser falls back to when rows are no whole number of blocks. */
function fitting(type: TensorType, { dimensions }: TensorPlace): TensorType {
  const [rowElements = 0] = dimensions;
  const fits = (candidate: TensorType) => rowElements % TENSOR_TYPES[candidate].blockElements === 0;
  if (fits(type)) return type;
  const smaller = type === 'Q4_K' ? 'Q5_0' : type === 'Q5_K' ? 'Q5_1' : 'Q8_0';
  return fits(smaller) ? smaller : 'F16';
}

// Metadata of the mmproj GGUF file (architecture `clip`): the keys that llama.cpp's multimodal loader reads, and the few of ours for
// what it has no key for. `feature_layer` is set, so that the stock graph runs as many layers as the model was trained with.
import type { TowerQuant } from '../../model/quantisation.js';
import { bool, f32, f32s, i32s, text, u32, type GgufMetadata, type GgufValue } from '../gguf/value.js';
import type { Checkpoint } from '../source/checkpoint.js';
import { fileTypeEntries } from './model-metadata.js';

/** linear, mlp<N>x_gelu or identity. */
export const PROJECTOR_KEY = 'takeoff.projector_type';
/** Encoder layers to run; 0 means that the embeddings themselves are selected. */
export const LAYERS_KEY = 'takeoff.vision.layers';
/** quick_gelu or gelu (exact). */
export const ACTIVATION_KEY = 'takeoff.vision.activation';

export function projectorMetadata(checkpoint: Checkpoint, quant: TowerQuant): GgufMetadata {
  const { text: language, description } = checkpoint;
  const { tower, layersToRun, projectorLayers } = checkpoint.vision;
  const projector = projectorTypeName(projectorLayers);
  const vision: readonly (readonly [string, GgufValue])[] = [
    ['image_size', u32(tower.sidePx)],
    ['patch_size', u32(tower.patchPx)],
    ['embedding_length', u32(tower.hiddenSize)],
    ['feed_forward_length', u32(tower.feedForwardSize)],
    ['projection_dim', u32(language.hiddenSize)],
    ['block_count', u32(layersToRun)],
    ['attention.head_count', u32(tower.headCount)],
    ['attention.layer_norm_epsilon', f32(tower.epsilon)],
    ['image_mean', f32s(tower.mean)],
    ['image_std', f32s(tower.std)],
    ['feature_layer', i32s([layersToRun])],
    ['mm_projector_type', text(projector)],
    ['image_aspect_ratio', text(description.vision?.aspect ?? 'square')],
    ['mm_patch_merge_type', text(description.vision?.mergeType ?? 'flat')],
  ];
  const pinpoints = (description.vision?.gridPinpoints ?? []).flat();
  return new Map([
    ['general.architecture', text('clip')],
    ['general.type', text('mmproj')],
    ['general.name', text(checkpoint.name)],
    ...fileTypeEntries(quant),
    ['clip.has_text_encoder', bool(false)],
    ['clip.has_vision_encoder', bool(true)],
    ['clip.has_llava_projector', bool(true)],
    ['clip.projector_type', text('mlp')],
    ['clip.use_gelu', bool(tower.activation === 'gelu')],
    ...vision.map(([key, value]) => [`clip.vision.${key}`, value] as const),
    ...(pinpoints.length === 0 ? [] : [['clip.vision.image_grid_pinpoints', i32s(pinpoints)] as const]),
    [PROJECTOR_KEY, text(projector)],
    [LAYERS_KEY, u32(layersToRun)],
    [ACTIVATION_KEY, text(tower.activation)],
  ]);
}

/** The name that LLaVA's configurations have for a projector of so many linear layers. */
export function projectorTypeName(layers: number): string {
  if (layers === 0) return 'identity';
  return layers === 1 ? 'linear' : `mlp${layers}x_gelu`;
}

// What makes a Llama a LLaVA: the image side of config.json in either layout, brought to one form. Values that change the
// answer and that this program does not implement are refused by name, never ignored.
import type { VisionSettings } from '../../model/description.js';
import { unsupported } from '../failures.js';
import type { LlavaConfig } from './config-schema.js';

export interface LlavaSettings {
  /** Id or path of the vision tower as the configuration names it; null when the tower can only be inside. */
  readonly towerName: string | null;
  /** The tower was trained along: the checkpoint's own copy counts, not the repository's. */
  readonly towerIsTrained: boolean;
  /** Index into the tower's hidden states; negative counts from the end. */
  readonly selectLayer: number;
  readonly keepsClassToken: boolean;
  /** Linear layers of the projector, GELU between them; 0 is the identity. */
  readonly projectorLayers: number;
  readonly aspect: VisionSettings['aspect'];
  readonly mergeType: VisionSettings['mergeType'];
  readonly pinpoints: LlavaConfig['image_grid_pinpoints'];
  readonly wrapsImageInStartEnd: boolean;
  readonly reservesPatchToken: boolean;
}

const DEFAULT_SELECT_LAYER = -2;
const MAX_PROJECTOR_LAYERS = 16;
/** LlavaNextConfig's default, which its configurations may leave out. */
const NEXT_PINPOINTS: LlavaSettings['pinpoints'] = [
  [336, 672],
  [672, 336],
  [672, 672],
  [1008, 336],
  [336, 1008],
];

/** Settings of the original layout. @throws CheckpointError checkpoint.unsupported */
export function originalSettings(config: LlavaConfig, file: string): LlavaSettings {
  const feature = config.mm_vision_select_feature ?? 'patch';
  if (feature !== 'patch' && feature !== 'cls_patch')
    throw unsupported(file, `mm_vision_select_feature is ${feature}; patch and cls_patch are supported.`);
  return validateClassToken(file, {
    towerName: config.mm_vision_tower ?? config.vision_tower ?? null,
    towerIsTrained:
      config.unfreeze_mm_vision_tower === true ||
      (config.mm_tunable_parts ?? '').split(',').includes('mm_vision_tower'),
    selectLayer: config.mm_vision_select_layer ?? DEFAULT_SELECT_LAYER,
    keepsClassToken: feature === 'cls_patch',
    projectorLayers: parseProjectorType(config.mm_projector_type ?? 'linear', file),
    aspect: parseAspect(config.image_aspect_ratio ?? 'square', file),
    mergeType: parseMergeType(config.mm_patch_merge_type ?? 'flat', file),
    pinpoints: config.image_grid_pinpoints,
    wrapsImageInStartEnd: config.mm_use_im_start_end ?? false,
    reservesPatchToken: config.mm_use_im_patch_token ?? true,
  });
}

/**
 * Settings of transformers' layout. The weights are those of the original models, so images are prepared as the original
 * does: padded for LLaVA 1.5 (the transformers processor crops), tiled for LLaVA-NeXT.
 * @throws CheckpointError checkpoint.unsupported
 */
export function hubSettings(config: LlavaConfig, isNext: boolean, file: string): LlavaSettings {
  const strategy = config.vision_feature_select_strategy ?? 'default';
  if (strategy !== 'default' && strategy !== 'full')
    throw unsupported(file, `vision_feature_select_strategy is ${strategy}; default and full are supported.`);
  const stated = config.vision_feature_layer ?? DEFAULT_SELECT_LAYER;
  const [selectLayer, ...further] = [stated].flat();
  if (selectLayer === undefined || further.length > 0)
    throw unsupported(
      file,
      `vision_feature_layer is a list of ${[stated].flat().length} layers; features of one layer are supported.`,
    );
  const activation = config.projector_hidden_act ?? 'gelu';
  if (activation !== 'gelu' || config.multimodal_projector_bias === false)
    throw unsupported(file, 'The projector must be two linear layers with biases and gelu between them.');
  return validateClassToken(file, {
    towerName: null,
    towerIsTrained: true,
    selectLayer,
    keepsClassToken: strategy === 'full',
    projectorLayers: 2,
    aspect: parseAspect(config.image_aspect_ratio ?? (isNext ? 'anyres' : 'pad'), file),
    mergeType: parseMergeType(config.mm_patch_merge_type ?? (isNext ? 'spatial_unpad' : 'flat'), file),
    pinpoints: config.image_grid_pinpoints ?? (isNext ? NEXT_PINPOINTS : undefined),
    wrapsImageInStartEnd: false,
    reservesPatchToken: false,
  });
}

/** The reference fails at the first image of such a model: a class token has no place in a map of patches. */
function validateClassToken(file: string, settings: LlavaSettings): LlavaSettings {
  if (!hasClassTokenInMap(settings)) return settings;
  throw unsupported(
    file,
    `The class token is selected (cls_patch, or full in transformers' layout), but the tiles of anyres are merged as ${settings.mergeType}: a map has no place for it. Set mm_patch_merge_type to flat, or select patches alone.`,
  );
}

/** Settings that leave no way to merge an image. */
export function hasClassTokenInMap({
  keepsClassToken,
  aspect,
  mergeType,
}: Pick<VisionSettings, 'keepsClassToken' | 'aspect' | 'mergeType'>): boolean {
  return keepsClassToken && aspect === 'anyres' && mergeType !== 'flat';
}

/** Anything that is neither pad nor anyres is the plain CLIP processor in the reference, whatever the word is. */
export function parseAspect(
  value: string,
  file: string,
  key = 'image_aspect_ratio',
): VisionSettings['aspect'] {
  if (value === 'pad' || value === 'anyres') return value;
  if (value.startsWith('anyres_') || value === 'highres' || value === 'crop_split')
    throw unsupported(file, `${key} is ${value} (LLaVA-NeXT); pad, square and anyres are supported.`);
  return 'square';
}

export function parseMergeType(
  value: string,
  file: string,
  key = 'mm_patch_merge_type',
): VisionSettings['mergeType'] {
  if (value === 'flat' || value === 'spatial' || value === 'spatial_unpad') return value;
  throw unsupported(file, `${key} is ${value}; flat, spatial and spatial_unpad are supported.`);
}

function parseProjectorType(type: string, file: string): number {
  if (type === 'linear') return 1;
  if (type === 'identity') return 0;
  const layers = Number(/^mlp(\d{1,2})x_gelu$/.exec(type)?.[1]);
  if (layers >= 1 && layers <= MAX_PROJECTOR_LAYERS) return layers;
  throw unsupported(file, `mm_projector_type is ${type}; linear, identity and mlp<N>x_gelu are supported.`);
}

// The vision tower's shape: from its configuration where there is one, and from the tensors themselves where a checkpoint
// carries a tower but not its configuration, as the published LLaVA 1.6 repositories do.
import type { Normalisation, TowerShape } from '../../model/tower-shape.js';
import { malformed, unsupported } from '../failures.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import type { ClipConfig } from './config-schema.js';

/** A tower as published: with all its layers, and with what its images are normalised by. */
export interface ClipTower extends TowerShape, Normalisation {
  /** How many of them run is decided by the select layer. */
  readonly layerCount: number;
}

/** CLIPImageProcessor's constants (OPENAI_CLIP_MEAN and _STD of transformers). */
export const CLIP_NORMALISATION: Normalisation = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

/** Defaults of transformers' CLIPVisionConfig, for keys that a configuration leaves out. */
const DEFAULTS = {
  hidden: 768,
  feedForward: 3072,
  layers: 12,
  heads: 12,
  image: 224,
  patch: 32,
  epsilon: 1e-5,
};
/** Every CLIP tower published for LLaVA has heads of 64 elements; used only when no configuration says otherwise. */
const USUAL_HEAD_SIZE = 64;

/** @throws CheckpointError checkpoint.unsupported */
export function towerFromConfig(config: ClipConfig, normalisation: Normalisation, file: string): ClipTower {
  const kind = config.model_type ?? 'clip_vision_model';
  if (kind !== 'clip_vision_model' && kind !== 'clip') {
    throw unsupported(
      file,
      `The vision tower is of type ${kind}; only CLIP towers are supported (not SigLIP, EVA or others).`,
    );
  }
  return validateTower(
    {
      hiddenSize: config.hidden_size ?? DEFAULTS.hidden,
      feedForwardSize: config.intermediate_size ?? DEFAULTS.feedForward,
      layerCount: config.num_hidden_layers ?? DEFAULTS.layers,
      headCount: config.num_attention_heads ?? DEFAULTS.heads,
      epsilon: config.layer_norm_eps ?? DEFAULTS.epsilon,
      activation: activationOf(config.hidden_act ?? 'quick_gelu', file),
      sidePx: config.image_size ?? DEFAULTS.image,
      patchPx: config.patch_size ?? DEFAULTS.patch,
      ...normalisation,
    },
    file,
  );
}

/** What the tensors of a tower say about its shape. @throws CheckpointError checkpoint.malformed */
export function towerFromTensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  normalisation: Normalisation,
  file: string,
): ClipTower {
  const [hiddenSize = 0, , , patchPx = 0] = shapeOf(tensors, 'tower.embeddings.patch_embedding.weight', file);
  const [positions = 0] = shapeOf(tensors, 'tower.embeddings.position_embedding.weight', file);
  const [feedForwardSize = 0] = shapeOf(tensors, 'tower.encoder.layers.0.mlp.fc1.weight', file);
  const patchesPerSide = Math.sqrt(positions - 1);
  const layers = [...tensors.keys()].flatMap(
    (name) => /^tower\.encoder\.layers\.(\d{1,4})\./.exec(name)?.[1] ?? [],
  );
  return validateTower(
    {
      hiddenSize,
      feedForwardSize,
      layerCount: layers.reduce((most, layer) => Math.max(most, Number(layer) + 1), 0),
      headCount: hiddenSize / USUAL_HEAD_SIZE,
      epsilon: DEFAULTS.epsilon,
      activation: 'quick_gelu',
      sidePx: patchesPerSide * patchPx,
      patchPx,
      ...normalisation,
    },
    file,
  );
}

function validateTower(tower: ClipTower, file: string): ClipTower {
  const { hiddenSize, headCount, sidePx, patchPx } = tower;
  const headSize = hiddenSize / headCount;
  if (!Number.isInteger(headCount) || !Number.isInteger(headSize) || !Number.isInteger(sidePx / patchPx)) {
    throw unsupported(
      file,
      `A vision tower of ${hiddenSize} features, ${headCount} heads, images of ${sidePx} and patches of ${patchPx} pixels does not divide evenly.`,
    );
  }
  return tower;
}

function activationOf(name: string, file: string): ClipTower['activation'] {
  if (name === 'quick_gelu' || name === 'gelu') return name;
  throw unsupported(file, `The vision tower's hidden_act is ${name}; quick_gelu and gelu are supported.`);
}

function shapeOf(tensors: ReadonlyMap<string, StoredTensor>, name: string, file: string): readonly number[] {
  const tensor = tensors.get(name);
  if (tensor === undefined)
    throw malformed(file, `The vision tower lacks the tensor ${name.replace('tower.', '')}.`);
  return tensor.shape;
}

// The image side of a GGUF pair: its shape, and its tensors under the standard names, whoever wrote the file. Two defects of
// older writers are repaired here: fc1 and fc2 of the feed-forward exchanged, and no statement of which layers run.
import type { VisionShape } from '../../model/tower-shape.js';
import { malformed, unsupported } from '../failures.js';
import { ACTIVATION_KEY, LAYERS_KEY, PROJECTOR_KEY } from '../convert/projector-metadata.js';
import type { GgufTensorInfo } from '../gguf/decode.js';
import type { GgufFile } from '../gguf/gguf-file.js';
import { towerTensors } from '../source/vision-tensors.js';

/** `v.blk.0` … are there for all layers that run, `mm.0`, `mm.2`, … for all of the projector. */
export interface VisionModel extends VisionShape {
  readonly hasNewline: boolean;
  /** Under the standard names: v.*, v.blk.N.*, mm.N.*, v.image_newline. */
  readonly tensors: ReadonlyMap<string, GgufTensorInfo>;
  readonly warnings: readonly string[];
}

/** Deepest published: 48 (CLIP bigG). A list of tensors is made for each before one is looked for. */
const MAX_LAYERS = 1024;
/** Layers of the published CLIP towers (base, large, huge, giant) by their width. */
const CLIP_LAYERS: Readonly<Record<number, number>> = { 768: 12, 1024: 24, 1280: 32, 1664: 48 };
const NEWLINE = 'v.image_newline';

/** @throws CheckpointError checkpoint.unsupported, checkpoint.malformed */
export function visionModel(file: GgufFile): VisionModel {
  validateProjectorKind(file);
  const warnings: string[] = [];
  const number = (key: string) => file.require(file.number(`clip.vision.${key}`), `clip.vision.${key}`);
  const hiddenSize = number('embedding_length');
  const tensors = standardNames(file.tensors, hiddenSize, warnings);
  const layersToRun = layersOf(file, hiddenSize, tensors, warnings);
  if (!Number.isInteger(layersToRun) || layersToRun > MAX_LAYERS)
    throw malformed(file.name, `The tower should run ${layersToRun} layers; at most ${MAX_LAYERS}.`);
  const projectorLayers = projectorLayersOf(file, tensors);
  const model: VisionModel = {
    hiddenSize,
    feedForwardSize: number('feed_forward_length'),
    headCount: number('attention.head_count'),
    epsilon: number('attention.layer_norm_epsilon'),
    activation: activationOf(file),
    sidePx: number('image_size'),
    patchPx: number('patch_size'),
    layersToRun,
    projectorLayers,
    hasNewline: tensors.has(NEWLINE),
    tensors,
    warnings,
  };
  validateTensors(model, file.name);
  return { ...model, tensors: neededTensors(model) };
}

/** Without the text half of a whole CLIP, the layers that do not run, and the closing norm: they would take memory. */
function neededTensors({ tensors, ...shape }: VisionModel): ReadonlyMap<string, GgufTensorInfo> {
  const tower = new Set(towerTensors(shape, shape.layersToRun).map(({ ggufName }) => ggufName));
  return new Map(
    [...tensors].filter(([name]) => tower.has(name) || name.startsWith('mm.') || name === NEWLINE),
  );
}

function validateProjectorKind(file: GgufFile): void {
  const architecture = file.string('general.architecture');
  if (architecture !== 'clip')
    throw unsupported(
      file.name,
      `This is a ${String(architecture)} model, not an mmproj file (architecture clip).`,
    );
  const kind = file.string('clip.projector_type') ?? file.string('clip.vision.projector_type') ?? 'mlp';
  if (kind !== 'mlp' || file.boolean('clip.use_silu') === true)
    throw unsupported(file.name, `The projector is ${kind}; only the MLP projectors of LLaVA are supported.`);
}

function standardNames(
  tensors: ReadonlyMap<string, GgufTensorInfo>,
  hiddenSize: number,
  warnings: string[],
): ReadonlyMap<string, GgufTensorInfo> {
  const renamed = new Map<string, GgufTensorInfo>();
  // The expanding matrix must be `ffn_up`: rows of the tower's width. The older converter named it `ffn_down`.
  const up = tensors.get('v.blk.0.ffn_up.weight');
  const isSwapped = up !== undefined && up.dimensions[0] !== hiddenSize;
  if (isSwapped)
    warnings.push('The feed-forward matrices of the tower are named the wrong way round; this is put right.');
  for (const [name, tensor] of tensors) {
    const swapped = name.replace(/\.ffn_(up|down)\./, (_, which) =>
      which === 'up' ? '.ffn_down.' : '.ffn_up.',
    );
    const standard = isSwapped ? swapped : name;
    renamed.set(
      standard === 'model.image_newline' ? NEWLINE : standard.replace(/^mm\.(?=weight$|bias$)/, 'mm.0.'),
      tensor,
    );
  }
  return renamed;
}

function layersOf(
  file: GgufFile,
  hiddenSize: number,
  tensors: ReadonlyMap<string, GgufTensorInfo>,
  warnings: string[],
): number {
  const stated = file.number(LAYERS_KEY);
  if (stated !== undefined) return stated;
  const features = file.numbers('clip.vision.feature_layer');
  if (features !== undefined && features.length > 1)
    throw unsupported(file.name, 'Features of several layers are selected; LLaVA selects one.');
  const [feature] = features ?? [];
  if (feature !== undefined && feature >= 0) return feature;
  // Most writers drop the last layer, which LLaVA does not use, and say nothing: what is there is what runs. Those of February to
  // April 2025 kept it.
  const blocks = file.require(file.number('clip.vision.block_count'), 'clip.vision.block_count');
  const isWhole = blocks === CLIP_LAYERS[hiddenSize] && tensors.has(`v.blk.${blocks - 1}.ln1.weight`);
  const layers = isWhole ? blocks - 1 : blocks;
  warnings.push(`The file does not say which layer's features count; ${layers} layers are run.`);
  return layers;
}

function projectorLayersOf(file: GgufFile, tensors: ReadonlyMap<string, GgufTensorInfo>): number {
  if (tensors.has('mm.1.weight') || tensors.has('mm.3.weight'))
    throw unsupported(
      file.name,
      'The projector has normalisation layers; LLaVA projectors have linear layers only.',
    );
  let layers = 0;
  while (tensors.has(`mm.${layers * 2}.weight`)) layers += 1;
  if (layers === 0 && file.string(PROJECTOR_KEY) !== 'identity')
    throw malformed(file.name, 'The projector mm.0.weight is missing.');
  return layers;
}

function activationOf(file: GgufFile): VisionModel['activation'] {
  const stated = file.string(ACTIVATION_KEY);
  if (stated === 'quick_gelu' || stated === 'gelu') return stated;
  return file.boolean('clip.use_gelu') === true ? 'gelu' : 'quick_gelu';
}

/** Everything that the tower's graph will ask for is there, in the shape that the metadata promises. */
function validateTensors(model: VisionModel, file: string): void {
  const { hiddenSize, headCount, patchPx, sidePx, layersToRun, tensors } = model;
  if (!Number.isInteger(sidePx / patchPx) || !Number.isInteger(hiddenSize / headCount))
    throw malformed(file, 'Image and patch size, or width and heads, do not divide evenly.');
  for (const { ggufName, shape } of towerTensors(model, layersToRun)) {
    const found = tensors.get(ggufName);
    const dimensions = shape.toReversed();
    if (found === undefined && ggufName === 'v.class_embd')
      throw unsupported(
        file,
        'Tensor v.class_embd is missing: the tower has no class token, so it is SigLIP or another and no CLIP.',
      );
    if (found === undefined) throw malformed(file, `Tensor ${ggufName} is missing.`);
    if (trimOnes(found.dimensions).join() !== trimOnes(dimensions).join()) {
      throw malformed(
        file,
        `Tensor ${ggufName} has dimensions [${found.dimensions.join(', ')}]; the metadata asks for [${dimensions.join(', ')}].`,
      );
    }
  }
}

function trimOnes(dimensions: readonly number[]): readonly number[] {
  const last = dimensions.findLastIndex((dimension) => dimension !== 1);
  return dimensions.slice(0, last + 1);
}

// Puts the image side of a checkpoint together: the tower's layers up to the selected one, the projector, the newline vector; and
// notices tensors that belong to nothing.
import { listNames, malformed, unsupported } from '../failures.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import type { VisionPart } from './checkpoint.js';
import type { LlavaSettings } from './llava-settings.js';
import type { ClipTower } from './clip-tower.js';
import { mapTensors, type ExpectedTensor } from './mapped-tensor.js';
import type { TextHyperparameters } from './text-hyperparameters.js';
import type { TowerSource } from './vision-source.js';
import { isSpareTowerTensor, newlineTensor, projectorTensors, towerTensors } from './vision-tensors.js';

interface ExpectedVision {
  /** Encoder layers that run. */
  readonly layersToRun: number;
  readonly tower: readonly ExpectedTensor[];
  /** Projector and newline. */
  readonly rest: readonly ExpectedTensor[];
}

/** Which tensors there must be. @throws CheckpointError checkpoint.unsupported */
export function expectedVision(
  settings: LlavaSettings,
  text: TextHyperparameters,
  tower: ClipTower,
  file: string,
): ExpectedVision {
  const { selectLayer, projectorLayers, mergeType } = settings;
  // hidden_states has one entry more than there are layers: the embeddings come first.
  const layersToRun = selectLayer >= 0 ? selectLayer : tower.layerCount + 1 + selectLayer;
  if (layersToRun < 0 || layersToRun > tower.layerCount) {
    throw unsupported(
      file,
      `The selected vision layer ${selectLayer} does not exist in a tower of ${tower.layerCount} layers.`,
    );
  }
  if (projectorLayers === 0 && tower.hiddenSize !== text.hiddenSize) {
    throw unsupported(
      file,
      `The projector is the identity, but the tower has ${tower.hiddenSize} features and the language model ${text.hiddenSize}.`,
    );
  }
  const projector = projectorTensors(projectorLayers, tower.hiddenSize, text.hiddenSize);
  const newline = mergeType === 'spatial_unpad' ? [newlineTensor(text.hiddenSize)] : [];
  return { layersToRun, tower: towerTensors(tower, layersToRun), rest: [...projector, ...newline] };
}

/** @throws CheckpointError checkpoint.unsupported, checkpoint.incomplete, checkpoint.malformed */
export function visionPart(
  settings: LlavaSettings,
  text: TextHyperparameters,
  { tower, tensors: towerOwn }: TowerSource,
  tensors: ReadonlyMap<string, StoredTensor>,
  file: string,
): VisionPart {
  const expected = expectedVision(settings, text, tower, file);
  return {
    tower,
    layersToRun: expected.layersToRun,
    projectorLayers: settings.projectorLayers,
    tensors: [...mapTensors(expected.tower, towerOwn, file), ...mapTensors(expected.rest, tensors, file)],
  };
}

/** Tensors nobody asked for mean that the model is not what its configuration says. */
export function validateKnownValue(
  tensors: ReadonlyMap<string, StoredTensor>,
  used: ReadonlySet<string>,
  { layersToRun }: Pick<VisionPart, 'layersToRun'>,
  folder: string,
): void {
  const unknown = [...tensors].filter(
    ([canonical, tensor]) =>
      !used.has(tensor.name) && !isSpareTowerTensor(canonical, layersToRun) && !isUnusedCopy(canonical),
  );
  if (unknown.length === 0) return;
  throw malformed(
    folder,
    `${unknown.length} tensors are unknown: ${listNames(unknown.map(([, tensor]) => tensor.name))}. The model is not of the architecture that config.json names.`,
  );
}

/** Weights that may be there without being used: a tower that is not the one to take, a tied output, a newline. */
function isUnusedCopy(canonical: string): boolean {
  return canonical.startsWith('tower.') || canonical === 'lm_head.weight' || canonical === 'newline';
}

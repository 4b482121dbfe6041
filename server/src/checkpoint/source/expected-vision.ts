// Which tensors the image side of a checkpoint must have: the tower's layers up to the selected one, the projector, the newline
// vector; and which tensors belong to nothing.
import { listNames, malformed, unsupported } from '../failures.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import type { LlavaSettings } from './llava-settings.js';
import type { ClipTower } from './clip-tower.js';
import type { ExpectedTensor } from './mapped-tensor.js';
import type { TextHyperparameters } from './text-hyperparameters.js';
import { newlineTensor, projectorTensors, towerTensors } from './vision-tensors.js';

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

/** Tensors nobody asked for mean that the model is not what its configuration says. @throws CheckpointError checkpoint.malformed */
export function validateNoUnknown(
  tensors: ReadonlyMap<string, StoredTensor>,
  expected: readonly ExpectedTensor[],
  folder: string,
): void {
  const known = new Set(expected.map(({ canonical }) => canonical));
  const unknown = [...tensors].filter(([canonical]) => !known.has(canonical) && !isUnusedCopy(canonical));
  if (unknown.length === 0) return;
  throw malformed(
    folder,
    `${unknown.length} tensors are unknown: ${listNames(unknown.map(([, tensor]) => tensor.name))}. The model is not of the architecture that config.json names.`,
  );
}

/** Weights that may be there without being used: layers that do not run, a tower that is not the one to take, a tied output, a newline. */
function isUnusedCopy(canonical: string): boolean {
  return canonical.startsWith('tower.') || canonical === 'lm_head.weight' || canonical === 'newline';
}

// A published checkpoint as this program understands it: what it is, and where every tensor lies. Reading one opens files and
// looks at headers; no weight is touched until it is converted.
import type { ModelDescription } from '../../model/description.js';
import type { VisionShape } from '../../model/tower-shape.js';
import type { TokenizerData } from '../tokenizer/read-tokenizer.js';
import type { ClipTower } from './clip-tower.js';
import type { MappedTensor } from './mapped-tensor.js';
import type { TextHyperparameters } from './text-hyperparameters.js';

export interface VisionPart extends Pick<VisionShape, 'layersToRun' | 'projectorLayers'> {
  readonly tower: ClipTower;
  /** In the order of the file: tower, projector, newline. */
  readonly tensors: readonly MappedTensor[];
}

export interface Checkpoint {
  readonly folder: string;
  /** For people; taken from the configuration, so that copies of a checkpoint convert to the same bytes. */
  readonly name: string;
  readonly description: ModelDescription;
  readonly text: TextHyperparameters;
  readonly textTensors: readonly MappedTensor[];
  readonly vision: VisionPart;
  readonly tokenizer: TokenizerData;
  /** The chat template that the checkpoint has, whether or not it is the one that is used. */
  readonly ownTemplate: string | null;
  /** Every file that was looked at; the conversion depends on nothing else. */
  readonly sourceFiles: readonly string[];
  /** What an operator should know, although the model loads. */
  readonly warnings: readonly string[];
  /** Closes the weight files. */
  close(): Promise<void>;
}

// What the two files of a pair will hold, before a byte is read: metadata, tensors, types, and so their sizes.
import type { TextQuant, TowerQuant } from '../../model/quantisation.js';
import type { Checkpoint } from '../source/checkpoint.js';
import { encodeGgufHead, type PlannedTensor } from '../gguf/encode.js';
import type { GgufMetadata } from '../gguf/value.js';
import { modelMetadata } from './model-metadata.js';
import { projectorMetadata } from './projector-metadata.js';
import { ropeFactorTensors } from './rope-factors.js';
import { textTensorType, towerTensorType } from './tensor-type.js';
import type { TransferTensor } from './transfer.js';

export interface PlannedFile {
  readonly metadata: GgufMetadata;
  readonly tensors: readonly TransferTensor[];
}

interface PairPlan {
  readonly model: PlannedFile;
  readonly projector: PlannedFile;
}

export function planPair(checkpoint: Checkpoint, text: TextQuant, tower: TowerQuant): PairPlan {
  return {
    model: {
      metadata: modelMetadata(checkpoint, text),
      tensors: [...ropeFactorTensors(checkpoint.text), ...checkpoint.textTensors].map((tensor) => ({
        tensor,
        type: textTensorType(tensor, text, checkpoint.text),
      })),
    },
    projector: {
      metadata: projectorMetadata(checkpoint, tower),
      tensors: checkpoint.vision.tensors.map((tensor) => ({ tensor, type: towerTensorType(tensor, tower) })),
    },
  };
}

/** Bytes of the finished file, which are also what its weights take in memory. */
export function fileBytesOf(file: PlannedFile): number {
  return encodeGgufHead(file.metadata, plannedTensors(file)).fileBytes;
}

export function plannedTensors({ tensors }: PlannedFile): PlannedTensor[] {
  return tensors.map(({ tensor, type }) => ({ name: tensor.ggufName, dimensions: tensor.dimensions, type }));
}

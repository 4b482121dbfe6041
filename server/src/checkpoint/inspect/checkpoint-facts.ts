// The parts of a checkpoint in the words of an inspection.
import { dirname } from 'node:path';
import type { TokenizerSettings, VisionSettings } from '../../model/description.js';
import { projectorTypeName } from '../convert/projector-metadata.js';
import { ELEMENT_BYTES, elementCountOf } from '../files/stored-tensor.js';
import type { LlavaSettings } from '../source/llava-settings.js';
import type { TextHyperparameters } from '../source/text-hyperparameters.js';
import type { TowerSource } from '../source/vision-source.js';
import type { WeightFiles } from '../source/weight-files.js';
import type { ImageFacts, Inspection, TensorFacts, TokenizerFacts } from './inspection.js';

export const textFacts = (text: TextHyperparameters, rows: number | null): Inspection['text'] => ({
  layers: text.layerCount,
  hiddenSize: text.hiddenSize,
  heads: text.headCount,
  kvHeads: text.kvHeadCount,
  vocabularyRows: rows,
});

export function towerFacts(
  settings: LlavaSettings | undefined,
  { tower, files }: TowerSource,
  layersUsed: number | undefined,
): Inspection['tower'] {
  const [weightFile] = files?.paths ?? [];
  return {
    name: settings?.towerName ?? null,
    from: weightFile === undefined ? 'inside' : dirname(weightFile),
    sidePx: tower.sidePx,
    patchPx: tower.patchPx,
    hiddenSize: tower.hiddenSize,
    layers: tower.layerCount,
    layersUsed: layersUsed ?? tower.layerCount,
    activation: tower.activation,
  };
}

export function imageFacts(
  { aspect, mergeType, keepsClassToken }: Pick<VisionSettings, 'aspect' | 'mergeType' | 'keepsClassToken'>,
  projectorLayers: number,
  gridPinpoints: VisionSettings['gridPinpoints'],
): ImageFacts {
  return { aspect, mergeType, keepsClassToken, projector: projectorTypeName(projectorLayers), gridPinpoints };
}

/** Null where no file of weights is. */
export function tensorFacts({ tensors, names, paths }: WeightFiles): TensorFacts | null {
  if (paths.length === 0) return null;
  const types: Record<string, number> = {};
  let bytes = 0;
  for (const { elementType, shape } of tensors.values()) {
    types[elementType] = (types[elementType] ?? 0) + 1;
    bytes += (elementCountOf(shape) ?? 0) * ELEMENT_BYTES[elementType];
  }
  return { count: tensors.size, bytes, types, files: names };
}

export const tokenizerFacts = (settings: TokenizerSettings): TokenizerFacts => ({
  kind: settings.kind,
  legacy: settings.legacy,
  tokens: settings.tokenCount,
  addedTokens: settings.addedTokens.map(({ content }) => content),
  endIds: settings.eosIds,
});

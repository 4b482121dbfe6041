// The parts of a checkpoint in the words of an inspection.
import { dirname } from 'node:path';
import type { LlavaSettings } from '../source/llava-settings.js';
import type { TextHyperparameters } from '../source/text-hyperparameters.js';
import type { TowerSource } from '../source/vision-source.js';
import type { TokenizerData } from '../tokenizer/read-tokenizer.js';
import type { Inspection, TokenizerFacts } from './inspection.js';

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
  layersUsed: number | null,
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

export const tokenizerFacts = ({ settings }: TokenizerData): TokenizerFacts => ({
  kind: settings.kind,
  legacy: settings.legacy,
  tokens: settings.tokenCount,
  addedTokens: settings.addedTokens.map(({ content }) => content),
  endIds: settings.eosIds,
});

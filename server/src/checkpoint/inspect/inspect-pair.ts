// The same questions about a GGUF pair, whose answers are in the files themselves.
import { basename } from 'node:path';
import type { PairSource } from '../cache/locate-source.js';
import type { GgufFile } from '../gguf/gguf-file.js';
import { openGgufPair, type GgufPair } from '../pair/open-pair.js';
import { imageFacts, tokenizerFacts } from './checkpoint-facts.js';
import { Findings } from './findings.js';
import { NOTHING_KNOWN, templateFacts, type Inspection, type TensorFacts } from './inspection.js';
import type { InspectOptions } from './inspect-options.js';
import { kvBytes } from './memory-need.js';

export async function inspectPair(
  { modelPath, projectorPath, warnings: located }: PairSource,
  { warnOf }: InspectOptions,
): Promise<Inspection> {
  const findings = new Findings();
  const known = { source: modelPath, ...NOTHING_KNOWN, layout: 'gguf pair' } as const;
  const pair = await findings.attempt(() => openGgufPair(modelPath, projectorPath));
  if (pair === undefined) return { ...known, warnings: [], problems: findings.problems };
  try {
    const facts = (await findings.attempt(() => factsOf(pair))) ?? {};
    const warnings = [...pair.warnings, ...located, ...(warnOf?.(pair.description) ?? [])];
    return { ...known, ...facts, warnings, problems: findings.problems };
  } finally {
    await pair.close();
  }
}

function factsOf({ model, projector, description, conclusions }: GgufPair): Partial<Inspection> {
  const number = (key: string) => model.require(model.number(`llama.${key}`), `llama.${key}`);
  const heads = number('attention.head_count');
  const hiddenSize = number('embedding_length');
  const kvHeads = model.number('llama.attention.head_count_kv') ?? heads;
  const shape = {
    layerCount: number('block_count'),
    kvHeadCount: kvHeads,
    headSize: model.number('llama.attention.key_length') ?? hiddenSize / heads,
    contextTokens: description.contextTokens,
  };
  const weightBytes = model.sizeBytes;
  const towerBytes = projector?.file.sizeBytes ?? 0;
  const kvCacheBytes = kvBytes(shape, 2);
  return {
    architecture: description.architecture,
    text: {
      layers: shape.layerCount,
      hiddenSize,
      heads,
      kvHeads,
      vocabularyRows: model.tensors.get('token_embd.weight')?.dimensions[1] ?? null,
    },
    contextTokens: description.contextTokens,
    tensors: tensorFacts(projector === null ? [model] : [model, projector.file]),
    ...visionFacts(projector, description.vision),
    tokenizer: tokenizerFacts(description.tokenizer),
    template: templateFacts(description.template, description.templateReason),
    conclusions,
    memory: [
      {
        type: 'as stored',
        weightBytes,
        towerBytes,
        kvCacheBytes,
        totalBytes: weightBytes + towerBytes + kvCacheBytes,
        isAuto: true,
      },
    ],
  };
}

function visionFacts(
  projector: GgufPair['projector'],
  settings: GgufPair['description']['vision'],
): Pick<Inspection, 'tower' | 'images'> {
  if (projector === null || settings === null) return { tower: null, images: null };
  const { vision, file } = projector;
  return {
    tower: {
      name: null,
      from: file.path,
      sidePx: vision.sidePx,
      patchPx: vision.patchPx,
      hiddenSize: vision.hiddenSize,
      layers: vision.layersToRun,
      layersUsed: vision.layersToRun,
      activation: vision.activation,
    },
    images: imageFacts(settings, vision.projectorLayers, settings.gridPinpoints),
  };
}

function tensorFacts(files: readonly GgufFile[]): TensorFacts {
  const all = files.flatMap(({ tensors }) => [...tensors.values()]);
  const types: Record<string, number> = {};
  for (const { type } of all) types[type] = (types[type] ?? 0) + 1;
  return {
    count: all.length,
    bytes: all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    types,
    files: files.map(({ path }) => basename(path)),
  };
}

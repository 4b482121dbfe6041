// From a folder to a Checkpoint: recognises the layout, reads configuration, tokenizer and tensor headers, finds the vision
// tower, and refuses what cannot be served faithfully, with a sentence that says why.
import { basename, dirname, join } from 'node:path';
import type { ModelDescription } from '../../model/description.js';
import { incomplete, listNames, malformed, missing, unsupported } from '../failures.js';
import { containedPath } from '../files/contained-path.js';
import { MAX_CONFIG_BYTES, readJsonFile } from '../files/json-file.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import { readTokenizer, type TokenizerData } from '../tokenizer/read-tokenizer.js';
import { explainMissingWeights, recognise, type Recognised } from './architecture.js';
import { canonicalTensors } from './canonical-tensors.js';
import type { Checkpoint, VisionPart } from './checkpoint.js';
import { configSchema, type LlavaConfig } from './config-schema.js';
import { hubSettings, originalSettings, type LlavaSettings } from './llava-settings.js';
import { mapTensors } from './mapped-tensor.js';
import { parsePinpoints } from './pinpoints.js';
import { chooseTemplate } from './template-choice.js';
import { textHyperparameters, type TextHyperparameters } from './text-hyperparameters.js';
import { textTensors } from './text-tensors.js';
import { findTower, type TowerLocator, type TowerSource } from './vision-source.js';
import { isSpareTowerTensor, newlineTensor, projectorTensors, towerTensors } from './vision-tensors.js';
import { closeAll, fileNames, hasWeights, openWeightFiles, type WeightFiles } from './weight-files.js';

export interface DescribeOptions {
  /** Finds the repository of a vision tower that is not in the checkpoint's folder. */
  readonly locateTower?: TowerLocator;
}

/**
 * Opens a checkpoint. The caller closes it.
 * @throws CheckpointError checkpoint.missing, checkpoint.unsupported, checkpoint.malformed, checkpoint.incomplete,
 * checkpoint.unreadable
 */
export async function describeCheckpoint(folder: string, options: DescribeOptions = {}): Promise<Checkpoint> {
  const names = await fileNames(folder);
  const explanation = hasWeights(names) ? undefined : explainMissingWeights(names);
  if (explanation !== undefined) throw unsupported(folder, explanation);
  if (!names.includes('config.json'))
    throw missing(folder, 'There is no config.json, so this is no checkpoint of a model.');
  const configFile = join(folder, 'config.json');
  const config = await readJsonFile(
    await containedPath(folder, 'config.json', folder),
    configSchema,
    MAX_CONFIG_BYTES,
  );
  const kind = recognise(config, modelName(folder), configFile);
  const weights = await openWeightFiles(folder, names);
  const open = [weights];
  try {
    const parts = await readParts(
      { folder, names, config, kind, configFile },
      weights.tensors,
      options,
      open,
    );
    return {
      folder,
      name: basename(config._name_or_path ?? '') || `${kind.architecture} ${parts.text.hiddenSize}`,
      ...parts,
      close: () => closeAll(open),
    };
  } catch (error) {
    await closeAll(open);
    throw error;
  }
}

interface Source {
  readonly folder: string;
  readonly names: readonly string[];
  readonly config: LlavaConfig;
  readonly kind: Recognised;
  readonly configFile: string;
}

async function readParts(
  source: Source,
  stored: ReadonlyMap<string, StoredTensor>,
  options: DescribeOptions,
  open: WeightFiles[],
): Promise<Omit<Checkpoint, 'folder' | 'name' | 'close'>> {
  const { folder, names, config, kind, configFile } = source;
  const textConfig = kind.layout === 'hub' ? { ...config.text_config } : config;
  const text = textHyperparameters(textConfig, kind.family, configFile);
  const settings =
    kind.layout === 'hub'
      ? hubSettings(config, kind.isNext, configFile)
      : originalSettings(config, configFile);
  const tensors = canonicalTensors(stored, kind.layout);
  const rows = vocabularyRows(tensors, folder);
  const textPart = mapTensors(textTensors(text, rows), tensors, folder);
  const towerSource = await findTower({
    folder,
    towerName: settings.towerName,
    towerIsTrained: settings.towerIsTrained,
    ownConfig: config.vision_config ?? null,
    tensors,
    locateTower: options.locateTower,
  });
  if (towerSource.files !== null) open.push(towerSource.files);
  const vision = visionPart(settings, text, towerSource, tensors, configFile);
  refuseUnknown(
    tensors,
    new Set([...textPart, ...vision.tensors].map(({ source: { name } }) => name)),
    vision,
    folder,
  );
  const tokenizer = await readTokenizer({
    folder,
    fileNames: names,
    rows,
    bosId: firstId(textConfig.bos_token_id ?? config.bos_token_id),
    eosIds: [textConfig.eos_token_id ?? [], config.eos_token_id ?? []].flat(),
    reservesPatchToken: settings.reservesPatchToken,
    wrapsImageInStartEnd: settings.wrapsImageInStartEnd,
  });
  return {
    description: description(source, text, settings, vision, tokenizer),
    text,
    textTensors: textPart,
    vision,
    tokenizer,
    sourceFiles: [
      configFile,
      ...tokenizer.sourceFiles,
      ...towerSource.configPaths,
      ...open.flatMap((files) => files.paths),
    ],
    warnings: [...towerSource.warnings, ...tokenizer.warnings],
  };
}

function visionPart(
  settings: LlavaSettings,
  text: TextHyperparameters,
  { tower, tensors: towerOwn }: TowerSource,
  tensors: ReadonlyMap<string, StoredTensor>,
  file: string,
): VisionPart {
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
  return {
    tower,
    layersToRun,
    projectorLayers,
    tensors: [
      ...mapTensors(towerTensors(tower, layersToRun), towerOwn, file),
      ...mapTensors([...projector, ...newline], tensors, file),
    ],
  };
}

function vocabularyRows(tensors: ReadonlyMap<string, StoredTensor>, folder: string): number {
  const rows = tensors.get('model.embed_tokens.weight')?.shape[0];
  if (rows === undefined || rows === 0)
    throw incomplete(
      folder,
      'The tensor model.embed_tokens.weight is missing, so there is no language model.',
    );
  return rows;
}

/** Tensors nobody asked for mean that the model is not what its configuration says. */
function refuseUnknown(
  tensors: ReadonlyMap<string, StoredTensor>,
  used: ReadonlySet<string>,
  vision: VisionPart,
  folder: string,
): void {
  const unknown = [...tensors].filter(
    ([canonical, tensor]) =>
      !used.has(tensor.name) &&
      !isSpareTowerTensor(canonical, vision.layersToRun) &&
      !isUnusedCopy(canonical),
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

function description(
  { folder, config, kind, configFile }: Source,
  text: TextHyperparameters,
  settings: LlavaSettings,
  { tower }: VisionPart,
  tokenizer: TokenizerData,
): ModelDescription {
  const { aspect, pinpoints } = settings;
  if (aspect === 'anyres' && (pinpoints === null || pinpoints === undefined))
    throw unsupported(configFile, 'image_aspect_ratio is anyres, but image_grid_pinpoints is missing.');
  return {
    architecture: kind.architecture,
    contextTokens: Math.floor(Math.min(text.contextTokens, config.tokenizer_model_max_length ?? Infinity)),
    template: chooseTemplate({
      configured: config.conversation_template ?? null,
      family: kind.family,
      tokenizer,
      names: [modelName(folder), config._name_or_path ?? ''],
    }),
    tokenizer: tokenizer.settings,
    vision: {
      sidePx: tower.sidePx,
      patchPx: tower.patchPx,
      aspect,
      gridPinpoints: aspect === 'anyres' ? parsePinpoints(pinpoints ?? [], tower.sidePx, configFile) : [],
      mergeType: settings.mergeType,
      keepsClassToken: settings.keepsClassToken,
      mean: tower.mean,
      std: tower.std,
    },
    wrapsImageInStartEnd: settings.wrapsImageInStartEnd,
  };
}

/** The folder's name, or the repository's when the folder is a snapshot of the hub's cache. */
function modelName(folder: string): string {
  const snapshots = dirname(folder);
  return basename(basename(snapshots) === 'snapshots' ? dirname(snapshots) : folder);
}

function firstId(ids: number | readonly number[] | null | undefined): number | null {
  return (typeof ids === 'number' ? ids : ids?.[0]) ?? null;
}

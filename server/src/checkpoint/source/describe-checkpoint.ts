// From a folder to a Checkpoint: recognises the layout, reads configuration, tokenizer and tensor headers, finds the vision
// tower, and refuses what cannot be served faithfully, with a sentence that says why.
import { basename, join } from 'node:path';
import type { ModelDescription } from '../../model/description.js';
import { incomplete, missing, unsupported } from '../failures.js';
import { containedPath } from '../files/contained-path.js';
import { MAX_CONFIG_BYTES, readJsonFile } from '../files/json-file.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import { readTokenizer, type TokenizerData } from '../tokenizer/read-tokenizer.js';
import { explainMissingWeights, recognise, type Recognised } from './architecture.js';
import { canonicalTensors } from './canonical-tensors.js';
import type { Checkpoint, VisionPart } from './checkpoint.js';
import { contextTokensOf, modelName, settingsOf, textConfigOf, tokenizerRequestOf } from './config-parts.js';
import { configSchema, type LlavaConfig } from './config-schema.js';
import type { LlavaSettings } from './llava-settings.js';
import { mapTensors } from './mapped-tensor.js';
import { parsePinpoints } from './pinpoints.js';
import { chooseTemplate } from './template-choice.js';
import { textHyperparameters, type TextHyperparameters } from './text-hyperparameters.js';
import { textTensors } from './text-tensors.js';
import { validateKnownValue, visionPart } from './vision-part.js';
import { findTower, type TowerLocator } from './vision-source.js';
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
  const text = textHyperparameters(textConfigOf(config, kind), kind.family, configFile);
  const settings = settingsOf(config, kind, configFile);
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
  validateKnownValue(
    tensors,
    new Set([...textPart, ...vision.tensors].map(({ source: { name } }) => name)),
    vision,
    folder,
  );
  const tokenizer = await readTokenizer(
    tokenizerRequestOf(config, kind, settings, { folder, fileNames: names, rows }),
  );
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

function vocabularyRows(tensors: ReadonlyMap<string, StoredTensor>, folder: string): number {
  const rows = tensors.get('model.embed_tokens.weight')?.shape[0];
  if (rows === undefined || rows === 0)
    throw incomplete(
      folder,
      'The tensor model.embed_tokens.weight is missing, so there is no language model.',
    );
  return rows;
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
    contextTokens: contextTokensOf(config, text.contextTokens),
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

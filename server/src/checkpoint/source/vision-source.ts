// Where the vision tower's weights come from. The reference builds a tower it did not train from its own repository and ignores
// the copy in the checkpoint; one that was trained along, it takes from the checkpoint. Same here, with one addition: an
// untrained tower whose repository is not at hand is taken from the checkpoint, if it is there, and a warning says so.
import { stat } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import type { CheckpointError } from '../../errors.js';
import { incomplete, unsupported } from '../failures.js';
import { containedPath, isPlainName } from '../files/contained-path.js';
import { MAX_CONFIG_BYTES, readJsonFile } from '../files/json-file.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import { CLIP_MEAN, CLIP_STD, towerFromConfig, towerFromTensors, type ClipTower } from './clip-tower.js';
import { preprocessorSchema, towerConfigSchema, type ClipConfig } from './config-schema.js';
import { canonicalTensors } from './canonical-tensors.js';
import { fileNames, hasWeights, openWeightFiles, type WeightFiles } from './weight-files.js';

/** Finds the folder of a vision tower's repository (in the hub's cache, say); undefined when it is not at hand. */
export type TowerLocator = (id: string) => Promise<string | undefined>;

export interface TowerRequest {
  readonly folder: string;
  readonly towerName: string | null;
  readonly towerIsTrained: boolean;
  /** Configuration inside the checkpoint's own, in transformers' layout. */
  readonly ownConfig: ClipConfig | null;
  /** Tensors of the checkpoint under canonical names. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly locateTower: TowerLocator | undefined;
}

export interface TowerSource {
  readonly tower: ClipTower;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Weights of a repository of its own, to be closed with the checkpoint. */
  readonly files: WeightFiles | null;
  /** Files whose content matters: configuration, preprocessing. */
  readonly configPaths: readonly string[];
  readonly warnings: readonly string[];
}

const CLASS_EMBEDDING = 'tower.embeddings.class_embedding';

/** @throws CheckpointError checkpoint.incomplete when the tower is nowhere, or another code for what is wrong with it */
export async function findTower(request: TowerRequest): Promise<TowerSource> {
  const { towerName, towerIsTrained, tensors } = request;
  const isInside = tensors.has(CLASS_EMBEDDING);
  const repository = await towerFolder(request);
  const names = repository === undefined ? [] : await fileNames(repository);
  const facts = await towerFacts(request, repository, names);
  if (!towerIsTrained && repository !== undefined && hasWeights(names)) {
    const files = await openWeightFiles(repository, names);
    try {
      const own = canonicalTensors(files.tensors, 'clip');
      return {
        ...facts,
        tower: facts.tower ?? towerFromTensors(own, facts, repository),
        tensors: own,
        files,
      };
    } catch (error) {
      await files.close();
      throw error;
    }
  }
  if (!isInside) throw towerMissing(request);
  const warning = `The vision tower was not trained with this model, so the weights of ${String(towerName)} count, but they are not at hand. The copy inside the checkpoint is used instead; it may be rounded.`;
  return {
    ...facts,
    tower: facts.tower ?? towerFromTensors(tensors, facts, request.folder),
    tensors,
    files: null,
    warnings: towerIsTrained || towerName === null ? [] : [warning],
  };
}

function towerMissing({ folder, towerName, towerIsTrained }: TowerRequest): CheckpointError {
  const name = towerName ?? 'its vision tower';
  return incomplete(
    folder,
    towerIsTrained
      ? 'The vision tower was trained with this model, but its weights are not among the tensors.'
      : `The vision tower ${name} is needed and not at hand. Put the repository ${name} (config.json and weights) into a folder of the checkpoint and name that folder in config.json as mm_vision_tower.`,
  );
}

/** Configuration and normalisation of the tower, from its repository or from the checkpoint itself. */
async function towerFacts(request: TowerRequest, repository: string | undefined, names: readonly string[]) {
  const { folder, ownConfig } = request;
  const configFolder = repository ?? folder;
  const paths: string[] = [];
  const optional = async (name: string) => {
    const present = repository === undefined ? await fileNames(folder) : names;
    if (!present.includes(name)) return undefined;
    const path = await containedPath(configFolder, name, configFolder);
    paths.push(path);
    return path;
  };
  const preprocessorPath = await optional('preprocessor_config.json');
  const preprocessor =
    preprocessorPath === undefined
      ? {}
      : await readJsonFile(preprocessorPath, preprocessorSchema, MAX_CONFIG_BYTES);
  const normalisation = {
    mean: preprocessor.image_mean ?? CLIP_MEAN,
    std: preprocessor.image_std ?? CLIP_STD,
  };
  const configPath = repository === undefined ? undefined : await optional('config.json');
  const file = configPath ?? join(folder, 'config.json');
  const outer =
    configPath === undefined ? null : await readJsonFile(configPath, towerConfigSchema, MAX_CONFIG_BYTES);
  const config = outer?.vision_config ?? outer ?? ownConfig;
  return {
    ...normalisation,
    tower: config === null ? null : towerFromConfig(config, normalisation, file),
    configPaths: paths,
    warnings: [],
  };
}

/** The tower's folder: named relative to config.json, by an absolute path, or found by the locator. */
async function towerFolder({ folder, towerName, locateTower }: TowerRequest): Promise<string | undefined> {
  if (towerName === null || towerName === '') return undefined;
  if (isPlainName(towerName) && (await isFolder(join(folder, towerName))))
    return containedPath(folder, towerName, 'config.json');
  if (isAbsolute(towerName) && (await isFolder(towerName))) return towerName;
  // A path of the machine the model was trained on: its last part names the repository.
  const id = isAbsolute(towerName) ? basename(towerName) : towerName;
  if (id.split('/').includes('..'))
    throw unsupported(
      join(folder, 'config.json'),
      `mm_vision_tower is ${towerName}; a path must stay inside the checkpoint's folder or be absolute.`,
    );
  return locateTower?.(id);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // Not there, or not to be seen: both mean that no tower can be read from here.
    return false;
  }
}

// Where the vision tower's weights come from. The reference builds a tower it did not train from its own repository and ignores
// the copy in the checkpoint; one that was trained along, it takes from the checkpoint. Same here, with one addition: an
// untrained tower whose repository is not at hand is taken from the checkpoint, if it is there, and a warning says so.
import { isAbsolute, join } from 'node:path';
import type { z } from 'zod';
import { HubError, type CheckpointError } from '../../errors.js';
import type { Normalisation } from '../../model/tower-shape.js';
import { incomplete, unsupported } from '../failures.js';
import { containedPath, containedPathBelow, isPlainName } from '../files/contained-path.js';
import { isFolder } from '../files/is-folder.js';
import { MAX_CONFIG_BYTES, readJsonFile } from '../files/json-file.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import { CLIP_NORMALISATION, towerFromConfig, towerFromTensors, type ClipTower } from './clip-tower.js';
import { preprocessorSchema, towerConfigSchema, type ClipConfig } from './config-schema.js';
import { canonicalTensors } from './canonical-tensors.js';
import { parseTowerName } from './tower-name.js';
import { fileNames, hasWeights, openWeightFiles, type WeightFiles } from './weight-files.js';

/** What is needed of a tower's repository: its weights, or, for a tower that was trained along, only what describes it. */
export type TowerNeed = 'weights' | 'settings';

/** Finds or fetches the folder of a vision tower's repository; undefined when there is none. May throw when it cannot be had. */
export type TowerLocator = (id: string, need: TowerNeed) => Promise<string | undefined>;

interface TowerRequest {
  readonly folder: string;
  /** Of the base, for a LoRA checkpoint: its config.json was made from the base's, and a tower may lie there. */
  readonly baseFolder: string | undefined;
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

/** Where it is, a tower is. */
export const CLASS_EMBEDDING = 'tower.embeddings.class_embedding';

/** @throws CheckpointError checkpoint.incomplete when the tower is nowhere, or another code for what is wrong with it */
export async function findTower(request: TowerRequest): Promise<TowerSource> {
  const { folder, towerName, towerIsTrained, tensors } = request;
  const { repository, warnings: unavailable } = await towerRepository(request);
  const names = await fileNames(repository ?? folder);
  const facts = await describeTower(request, repository, names);
  const warnings = [...unavailable, ...facts.warnings];
  const shape = (own: ReadonlyMap<string, StoredTensor>, file: string) =>
    facts.tower ?? towerFromTensors(own, facts.normalisation, file);
  if (!towerIsTrained && repository !== undefined && hasWeights(names)) {
    const files = await openWeightFiles(repository, names);
    try {
      const own = canonicalTensors(files.tensors, 'clip');
      return { tower: shape(own, repository), tensors: own, files, configPaths: facts.paths, warnings };
    } catch (error) {
      await files.close();
      throw error;
    }
  }
  if (!tensors.has(CLASS_EMBEDDING)) throw towerMissing(request);
  const warning = `The vision tower was not trained with this model, so the weights of ${String(towerName)} count, but they are not at hand. The copy inside the checkpoint is used instead; it may be rounded.`;
  return {
    tower: shape(tensors, folder),
    tensors,
    files: null,
    configPaths: facts.paths,
    warnings: towerIsTrained || towerName === null ? warnings : [...warnings, warning],
  };
}

function towerMissing({ folder, towerName, towerIsTrained }: TowerRequest): CheckpointError {
  const name = (towerName === null ? null : parseTowerName(towerName).id) ?? towerName ?? 'its vision tower';
  return incomplete(
    folder,
    towerIsTrained
      ? 'The vision tower was trained with this model, but its weights are not among the tensors.'
      : `The vision tower ${name} is needed and not at hand. Put the repository ${name} (config.json and weights) into a folder of the checkpoint and name that folder in config.json as mm_vision_tower.`,
  );
}

interface TowerDescription {
  /** Null when nothing but the tensors describes the tower. */
  readonly tower: ClipTower | null;
  readonly normalisation: Normalisation;
  /** Files that were read. */
  readonly paths: readonly string[];
  /** What is odd in them. */
  readonly warnings: readonly string[];
}

/** Configuration and normalisation of the tower, from its repository or from the checkpoint itself. */
async function describeTower(
  { folder, ownConfig }: TowerRequest,
  repository: string | undefined,
  names: readonly string[],
): Promise<TowerDescription> {
  const paths: string[] = [];
  const warnings: string[] = [];
  const optional = async <T>(name: string, schema: z.ZodType<T>): Promise<T | null> => {
    if (!names.includes(name)) return null;
    const path = await containedPath(repository ?? folder, name, repository ?? folder);
    paths.push(path);
    const file = await readJsonFile(path, schema, MAX_CONFIG_BYTES);
    warnings.push(...file.warnings);
    return file.value;
  };
  const preprocessor = await optional('preprocessor_config.json', preprocessorSchema);
  const normalisation = {
    mean: preprocessor?.image_mean ?? CLIP_NORMALISATION.mean,
    std: preprocessor?.image_std ?? CLIP_NORMALISATION.std,
  };
  const outer = repository === undefined ? null : await optional('config.json', towerConfigSchema);
  const config = outer?.vision_config ?? outer ?? ownConfig;
  const file = join(outer === null ? folder : (repository ?? folder), 'config.json');
  return {
    tower: config === null ? null : towerFromConfig(config, normalisation, file),
    normalisation,
    paths,
    warnings,
  };
}

interface TowerRepository {
  readonly repository: string | undefined;
  readonly warnings: readonly string[];
}

/** The tower's folder, or why it cannot be had where the checkpoint's own copy can stand in for it. */
async function towerRepository(request: TowerRequest): Promise<TowerRepository> {
  try {
    return { repository: await towerFolder(request), warnings: [] };
  } catch (error) {
    const isUnavailable = error instanceof HubError;
    if (!isUnavailable || !request.tensors.has(CLASS_EMBEDDING)) throw error;
    const consequence = request.towerIsTrained
      ? "Its tensors are here; what they do not tell is taken to be as in OpenAI's towers."
      : '';
    return {
      repository: undefined,
      warnings: [`The vision tower's repository cannot be had. ${error.message} ${consequence}`.trim()],
    };
  }
}

/** The tower's folder: a path inside the checkpoint's, an absolute one, or found by the locator. */
async function towerFolder({
  folder,
  baseFolder,
  towerName,
  towerIsTrained,
  tensors,
  locateTower,
}: TowerRequest): Promise<string | undefined> {
  if (towerName === null) return undefined;
  const { inside, leaves, id } = parseTowerName(towerName);
  for (const outer of [folder, baseFolder ?? folder])
    if (inside?.every(isPlainName) === true && (await isFolder(join(outer, ...inside))))
      return containedPathBelow(outer, inside, 'config.json');
  if (isAbsolute(towerName) && (await isFolder(towerName))) return towerName;
  if (id !== null) return locateTower?.(id, towerIsTrained ? 'settings' : 'weights');
  const isNeeded = !towerIsTrained || !tensors.has(CLASS_EMBEDDING);
  if (leaves && isNeeded)
    throw unsupported(
      join(folder, 'config.json'),
      `mm_vision_tower is ${towerName}; a path must stay inside the checkpoint's folder or be absolute.`,
    );
  return undefined;
}

// What a model path names: a checkpoint's folder, a folder with a GGUF pair, or the language model's GGUF file of a pair. The two
// files of a pair are told apart by what is in them; names only matter when a folder holds several models.
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { incomplete, listNames, missing, unreadable, unsupported } from '../failures.js';
import { isErrno } from '../files/positional-file.js';
import { GgufFile } from '../gguf/gguf-file.js';
import { parseSplitName, splitName } from '../gguf/split-name.js';
import { isLoraCheckpoint } from '../merge/lora-files.js';
import { noLora } from '../merge/open-lora.js';
import { hasWeights } from '../source/weight-files.js';

export interface PairSource {
  readonly kind: 'pair';
  readonly modelPath: string;
  readonly projectorPath: string | null;
  readonly warnings: readonly string[];
}
export type ModelSource = { readonly kind: 'checkpoint'; readonly folder: string } | PairSource;

/** Files without an ending that are looked into, in a folder that has nothing else: a store's blobs may be thousands. */
const MAX_NAMELESS = 64;

/** Settings that say more of a model than its path does. */
export interface SourceSettings {
  /** Which of several mmproj files beside a GGUF model: a name in the model's folder, or a path. */
  readonly projectorFile?: string | null;
  /** The base of a LoRA checkpoint: a folder, or owner/name of the hub. */
  readonly modelBase?: string | null;
}

/**
 * @throws CheckpointError checkpoint.missing, checkpoint.unsupported, checkpoint.malformed, checkpoint.unreadable, checkpoint.incomplete
 */
export async function locateSource(path: string, settings: SourceSettings = {}): Promise<ModelSource> {
  const { projectorFile = null, modelBase = null } = settings;
  const source = await sourceAt(path, projectorFile);
  if (source.kind === 'pair' && modelBase !== null) throw noLora(path, modelBase);
  return source;
}

async function sourceAt(path: string, projectorFile: string | null): Promise<ModelSource> {
  const facts = await statOf(path);
  if (facts.isFile()) return pairOfFile(path, projectorFile);
  const names = await readdir(path);
  const isCheckpoint = hasWeights(names) || isLoraCheckpoint(names);
  const ggufs = isCheckpoint ? [] : await ggufsOf(path, names);
  if (ggufs.length > 0) return pairOfFolder(path, ggufs, projectorFile);
  if (projectorFile !== null)
    throw unsupported(
      path,
      `projector_file is ${projectorFile}, but this is a checkpoint, which has its own tower and projector. Leave projector_file out.`,
    );
  return { kind: 'checkpoint', folder: path };
}

async function pairOfFolder(
  folder: string,
  names: readonly string[],
  projectorFile: string | null,
): Promise<PairSource> {
  const kinds = await classify(names.map((name) => join(folder, name)));
  const [modelPath, ...others] = kinds.models;
  if (modelPath === undefined)
    throw unsupported(folder, `There is no language model among the GGUF files: ${listNames(names)}.`);
  if (others.length > 0) {
    throw unsupported(
      folder,
      `There are several language models (${listNames(kinds.models)}). Give the path of one of the files.`,
    );
  }
  const projectorPath = chosen(folder, projectorFile) ?? onlyProjector(folder, kinds.projectors);
  return { kind: 'pair', modelPath, projectorPath, warnings: warningsOf(modelPath, projectorPath) };
}

async function pairOfFile(path: string, projectorFile: string | null): Promise<PairSource> {
  if (!(await GgufFile.isGguf(path)))
    throw unsupported(
      path,
      'This file is no GGUF file, by its first bytes. Give the folder of a checkpoint, or a GGUF file.',
    );
  const folder = dirname(path);
  const split = parseSplitName(basename(path));
  const modelPath = split === undefined ? path : join(folder, splitName(split, 1));
  const projectorPath = chosen(folder, projectorFile) ?? (await projectorBeside(path));
  return { kind: 'pair', modelPath, projectorPath, warnings: warningsOf(modelPath, projectorPath) };
}

/** The mmproj file beside a model, by its name. */
async function projectorBeside(path: string): Promise<string | null> {
  const folder = dirname(path);
  const beside = (await readdir(folder)).filter(
    (name) => hasEnding(name) && name !== basename(path) && /mmproj|clip|projector/i.test(name),
  );
  const { projectors } = await classify(beside.map((name) => join(folder, name)));
  return onlyProjector(folder, projectors);
}

const chosen = (folder: string, projectorFile: string | null): string | null =>
  projectorFile === null ? null : resolve(folder, projectorFile);

function onlyProjector(folder: string, projectors: readonly string[]): string | null {
  if (projectors.length > 1)
    throw unsupported(
      folder,
      `There are several mmproj files (${listNames(projectors.map((path) => basename(path)))}). Name one as projector_file (--projector-file, TAKEOFF_PROJECTOR_FILE).`,
    );
  return projectors[0] ?? null;
}

function warningsOf(modelPath: string, projectorPath: string | null): string[] {
  if (projectorPath !== null) return [];
  const reason = hasEnding(basename(modelPath))
    ? 'There is no mmproj file beside the model'
    : `The mmproj file of the model cannot be found by name, because ${basename(modelPath)} does not end in .gguf, as in the stores of other programs`;
  return [
    `${reason}: it is served without images. Name the mmproj file as projector_file (--projector-file, TAKEOFF_PROJECTOR_FILE).`,
  ];
}

async function classify(paths: readonly string[]): Promise<{ models: string[]; projectors: string[] }> {
  const models: string[] = [];
  const projectors: string[] = [];
  for (const path of wholeModels(paths)) {
    const file = await GgufFile.open(path);
    (file.string('general.architecture') === 'clip' ? projectors : models).push(path);
    await file.close();
  }
  return { models, projectors };
}

/** The first file stands for all of a split model. */
function wholeModels(paths: readonly string[]): string[] {
  const first = paths.map((path) => {
    const split = parseSplitName(basename(path));
    if (split === undefined) return path;
    const firstPath = join(dirname(path), splitName(split, 1));
    if (!paths.includes(firstPath))
      throw incomplete(path, `The first file of this split model, ${basename(firstPath)}, is not beside it.`);
    return firstPath;
  });
  return [...new Set(first)].sort();
}

/** By their ending; where none has it, by first bytes, as for a hub cache's blobs and Ollama's, whose names are hashes. */
async function ggufsOf(folder: string, names: readonly string[]): Promise<string[]> {
  const ending = names.filter(hasEnding);
  if (ending.length > 0) return ending;
  const nameless = names.filter((name) => !name.includes('.')).sort();
  const found: string[] = [];
  for (const name of nameless.slice(0, MAX_NAMELESS)) {
    const path = join(folder, name);
    if ((await statOf(path)).isFile() && (await GgufFile.isGguf(path))) found.push(name);
  }
  return found;
}

function hasEnding(name: string): boolean {
  return name.toLowerCase().endsWith('.gguf');
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR'))
      throw missing(path, 'There is no such file or folder.', { cause: error });
    throw unreadable(path, 'The path cannot be read.', error);
  }
}

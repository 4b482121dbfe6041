// What a model path names: a checkpoint's folder, a folder with a GGUF pair, or the language model's GGUF file of a pair. The two
// files of a pair are told apart by what is in them; names only matter when a folder holds several models.
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { listNames, missing, unreadable, unsupported } from '../failures.js';
import { isErrno } from '../files/positional-file.js';
import { GgufFile } from '../gguf/gguf-file.js';

type ModelSource =
  | { readonly kind: 'checkpoint'; readonly folder: string }
  | { readonly kind: 'pair'; readonly modelPath: string; readonly projectorPath: string | null };

/** @throws CheckpointError checkpoint.missing, checkpoint.unsupported, checkpoint.malformed, checkpoint.unreadable */
export async function locateSource(path: string): Promise<ModelSource> {
  const facts = await statOf(path);
  if (facts.isFile()) return pairOfFile(path);
  const names = await readdir(path);
  const ggufs = names.filter(isGguf);
  if (names.includes('config.json') || ggufs.length === 0) return { kind: 'checkpoint', folder: path };
  const kinds = await classify(ggufs.map((name) => join(path, name)));
  const [modelPath, ...others] = kinds.models;
  if (modelPath === undefined)
    throw unsupported(path, `There is no language model among the GGUF files: ${listNames(ggufs)}.`);
  if (others.length > 0) {
    throw unsupported(
      path,
      `There are several language models (${listNames(kinds.models)}). Give the path of one of the files.`,
    );
  }
  return { kind: 'pair', modelPath, projectorPath: onlyProjector(path, kinds.projectors) };
}

async function pairOfFile(path: string): Promise<ModelSource> {
  if (!isGguf(path))
    throw unsupported(path, 'This file is no GGUF file. Give the folder of a checkpoint, or a .gguf file.');
  const folder = dirname(path);
  const beside = (await readdir(folder)).filter(isGguf).map((name) => join(folder, name));
  const { projectors } = await classify(
    beside.filter((other) => other !== path && /mmproj|clip|projector/i.test(other)),
  );
  return { kind: 'pair', modelPath: path, projectorPath: onlyProjector(folder, projectors) };
}

function onlyProjector(folder: string, projectors: readonly string[]): string | null {
  if (projectors.length > 1)
    throw unsupported(
      folder,
      `There are several mmproj files (${listNames(projectors)}); keep one beside the model.`,
    );
  return projectors[0] ?? null;
}

async function classify(paths: readonly string[]): Promise<{ models: string[]; projectors: string[] }> {
  const models: string[] = [];
  const projectors: string[] = [];
  for (const path of paths.toSorted()) {
    const file = await GgufFile.open(path);
    (file.string('general.architecture') === 'clip' ? projectors : models).push(path);
    await file.close();
  }
  return { models, projectors };
}

function isGguf(name: string): boolean {
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

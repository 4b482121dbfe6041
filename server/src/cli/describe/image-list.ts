// The images that the arguments of a command name: files, folders with everything below them, patterns, and `-` for a list on
// standard input. A list can be walked again and again, and holds no more than one folder's names at a time.
import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { ConfigError } from '../../errors.js';
import { kindByName } from './image-names.js';
import type { SkipReason } from './skipped-files.js';

export type ListedFile =
  | { readonly kind: 'image'; readonly path: string }
  | { readonly kind: 'skipped'; readonly path: string; readonly reason: SkipReason };

export type ImageList = AsyncIterable<ListedFile>;

/**
 * @param readStdin the text of standard input, asked for only where an argument is `-`
 * @param converts whether images of the formats that --convert reads count as images
 * @throws ConfigError for a file or folder that does not exist
 */
export async function listImages(
  named: readonly string[],
  readStdin: () => Promise<string>,
  converts: boolean,
): Promise<ImageList> {
  const sources: ImageList[] = [];
  for (const argument of named) {
    if (argument === '-') sources.push(listed(splitList(await readStdin()), converts));
    else sources.push(await sourceOf(argument, converts));
  }
  return {
    async *[Symbol.asyncIterator]() {
      for (const source of sources) yield* source;
    },
  };
}

async function sourceOf(argument: string, converts: boolean): Promise<ImageList> {
  const stats = await statsOf(argument);
  if (stats !== undefined) return listed([argument], converts);
  if (isDynamicPattern(argument)) return { [Symbol.asyncIterator]: () => matches(argument, converts) };
  throw new ConfigError(
    `${argument}: no such file or folder. Allowed are files, folders, patterns such as 'photos/**/*.jpg' (in quotes), and - for a list on standard input.`,
  );
}

/** Lines, or, as `find -print0` writes it, names ended by NUL. */
const splitList = (text: string): string[] =>
  text.split(text.includes('\0') ? '\0' : /\r?\n/u).filter((line) => line !== '');

/** A file of a list that is not there is for the run to report: the others are described all the same. */
function listed(files: readonly string[], converts: boolean): ImageList {
  return {
    async *[Symbol.asyncIterator]() {
      for (const path of files) {
        if ((await statsOf(path))?.isDirectory() === true) yield* walk(path, converts);
        else yield { kind: 'image', path };
      }
    },
  };
}

/** By name, folders where their names stand. Hidden files and folders are left out without a word. */
async function* walk(folder: string, converts: boolean): AsyncGenerator<ListedFile, void, undefined> {
  const entries = await entriesOf(folder);
  if (entries === undefined) {
    yield { kind: 'skipped', path: folder, reason: 'unreadable' };
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(file, converts);
    else if (entry.isSymbolicLink()) yield* linked(file, converts);
    else if (entry.isFile()) yield* byName(file, converts);
  }
}

/** Links to folders are not followed: they may lead in a circle. */
async function* linked(file: string, converts: boolean): AsyncGenerator<ListedFile, void, undefined> {
  const stats = await statsOf(file);
  if (stats?.isDirectory() === true) yield { kind: 'skipped', path: file, reason: 'linked folder' };
  else if (stats?.isFile() === true) yield* byName(file, converts);
  else if (stats === undefined && kindByName(file) !== 'no image')
    yield { kind: 'skipped', path: file, reason: 'broken link' };
}

function* byName(file: string, converts: boolean): Generator<ListedFile, void, undefined> {
  const kind = kindByName(file);
  if (kind === 'no image') return;
  if (kind === 'taken' || (kind === 'convertible' && converts)) yield { kind: 'image', path: file };
  else yield { kind: 'skipped', path: file, reason: kind };
}

async function* matches(pattern: string, converts: boolean): AsyncGenerator<ListedFile, void, undefined> {
  const absolute = path.isAbsolute(pattern);
  const files = await glob(pattern, { absolute, expandDirectories: false });
  for (const file of files.sort()) yield* byName(file, converts);
}

async function entriesOf(folder: string): Promise<Dirent[] | undefined> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    // Not for us, or gone since it was seen.
    return undefined;
  }
}

async function statsOf(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file);
  } catch {
    // It does not exist or may not be looked at; reading it later says which.
    return undefined;
  }
}

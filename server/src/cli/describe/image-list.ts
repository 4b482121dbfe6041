// The images that the arguments of a command name: files, folders with everything below them, patterns, and `-` for a list on
// standard input. A list can be walked again and again, and holds no more than one folder's names at a time.
import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { glob, isDynamicPattern } from 'tinyglobby';
import { ConfigError } from '../../errors.js';

/** What counts as an image by its name, where a folder or a pattern is named. A file that is named itself is always tried. */
const PICTURE_NAME = /\.(?:jpe?g|jpe|jfif|png|webp|gif|bmp)$/iu;

export type ImageList = AsyncIterable<string>;

/**
 * @param readStdin the text of standard input, asked for only where an argument is `-`
 * @throws ConfigError for a file or folder that does not exist
 */
export async function listImages(
  named: readonly string[],
  readStdin: () => Promise<string>,
): Promise<ImageList> {
  const sources: ImageList[] = [];
  for (const argument of named) {
    if (argument === '-') sources.push(listed(splitList(await readStdin())));
    else sources.push(await sourceOf(argument));
  }
  return {
    async *[Symbol.asyncIterator]() {
      for (const source of sources) yield* source;
    },
  };
}

async function sourceOf(argument: string): Promise<ImageList> {
  const stats = await statsOf(argument);
  if (stats?.isDirectory() === true) return { [Symbol.asyncIterator]: () => walk(argument) };
  if (stats !== undefined) return listed([argument]);
  if (isDynamicPattern(argument)) return { [Symbol.asyncIterator]: () => matches(argument) };
  throw new ConfigError(
    `${argument}: no such file or folder. Allowed are files, folders, patterns such as 'photos/**/*.jpg' (in quotes), and - for a list on standard input.`,
  );
}

/** Lines, or, as `find -print0` writes it, names ended by NUL. */
const splitList = (text: string): string[] =>
  text.split(text.includes('\0') ? '\0' : /\r?\n/u).filter((line) => line !== '');

/** A file of a list that is not there is for the run to report: the others are described all the same. */
function listed(files: readonly string[]): ImageList {
  return {
    async *[Symbol.asyncIterator]() {
      for (const file of files) {
        if ((await statsOf(file))?.isDirectory() === true) yield* walk(file);
        else yield file;
      }
    },
  };
}

/** By name, folders where their names stand. Hidden files and folders are left out, and links to folders, which may lead in a circle. */
async function* walk(folder: string): AsyncGenerator<string, void, undefined> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(file);
    else if (PICTURE_NAME.test(entry.name) && (await isFile(entry, file))) yield file;
  }
}

async function isFile(entry: Dirent, file: string): Promise<boolean> {
  return entry.isFile() || (entry.isSymbolicLink() && (await statsOf(file))?.isFile() === true);
}

async function* matches(pattern: string): AsyncGenerator<string, void, undefined> {
  const absolute = path.isAbsolute(pattern);
  const files = await glob(pattern, { absolute, expandDirectories: false });
  yield* files.filter((file) => PICTURE_NAME.test(file)).sort();
}

async function statsOf(file: string): Promise<Stats | undefined> {
  try {
    return await stat(file);
  } catch {
    // Not there, or not for us: reading it will say why.
    return undefined;
  }
}

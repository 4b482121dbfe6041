// A text file beside each image, as training programs want it: `cat.txt` for `cat.jpg`. Where two images of a folder differ in
// their endings only, each gets its whole name: `cat.jpg.txt`, `cat.png.txt`. A failure is listed in `cat.jpg.failed.json`.
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CONVERTIBLE_ENDINGS, kindByName, TAKEN_ENDINGS } from './image-names.js';
import { failureLine, notWritten, type Output } from './outcome.js';

const inBothCases = (endings: readonly string[]): string[] =>
  endings.flatMap((ending) => [`.${ending}`, `.${ending.toUpperCase()}`]);
const TAKEN = inBothCases(TAKEN_ENDINGS);
const ALL = inBothCases([...TAKEN_ENDINGS, ...CONVERTIBLE_ENDINGS]);

/**
 * @param folder where the files go, in the same order of folders as the images; null is beside the images
 * @param retriesFailed whether what failed earlier counts as not yet tried
 */
export function openSidecarOutput(folder: string | null, retriesFailed: boolean): Output {
  const place = (file: string): string => (folder === null ? file : path.join(folder, withinFolder(file)));
  const textFile = async (file: string): Promise<string> => {
    const { dir, name } = path.parse(file);
    return place((await hasNamesake(file)) ? `${file}.txt` : path.join(dir, `${name}.txt`));
  };
  const failureFile = (file: string): string => `${place(file)}.failed.json`;
  return {
    isPrinted: false,
    failuresPlace: `*.failed.json ${folder === null ? 'beside them' : `in ${folder}`}`,
    async has(file) {
      if (await exists(await textFile(file))) return 'described';
      return !retriesFailed && (await exists(failureFile(file))) ? 'failed' : 'no';
    },
    async describe({ path: file, text }) {
      await replaceFile(await textFile(file), `${text}\n`);
      await rm(failureFile(file), { force: true });
    },
    fail: (failure) => replaceFile(failureFile(failure.path), failureLine(failure)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** The path without `..`, so that the file stays inside the output folder. */
const withinFolder = (file: string): string =>
  path
    .normalize(file)
    .split(path.sep)
    .filter((name) => name !== '..')
    .join(path.sep);

async function hasNamesake(file: string): Promise<boolean> {
  const { dir, name, ext } = path.parse(file);
  // What --convert reads makes way for the others, so that their text files have the same names with it and without it.
  const endings = kindByName(file) === 'convertible' ? ALL : TAKEN;
  // A file system that takes capitals for small letters shows the image itself under both.
  const others = endings.filter((ending) => ending.toLowerCase() !== ext.toLowerCase());
  const found = await Promise.all(others.map((ending) => exists(path.join(dir, name + ending))));
  return found.includes(true);
}

/** Writes a temporary file and renames it, so that the file is there whole or not at all. */
async function replaceFile(file: string, text: string): Promise<void> {
  const unfinished = `${file}.part`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(unfinished, text);
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => undefined); // the next run overwrites it
    throw notWritten(file, error);
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch {
    return false;
  }
}

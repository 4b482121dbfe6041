// Finds a file by a name that another file chose (an index, a configuration), and makes sure that it lies where it may: in
// the checkpoint's folder, or, for a snapshot of the hub's cache, among that repository's blobs, where the hub links to.
import { realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { malformed, missing, unreadable } from '../failures.js';
import { isErrno } from './positional-file.js';

/**
 * The real path of `name` in `folder`.
 * @throws CheckpointError checkpoint.malformed when the name is no plain base name or leads out of the folder,
 * checkpoint.missing when nothing is there
 */
export async function containedPath(folder: string, name: string, namedBy: string): Promise<string> {
  return containedPathBelow(folder, [name], namedBy);
}

/** The same for a path of several components. @throws as containedPath */
export async function containedPathBelow(
  folder: string,
  components: readonly string[],
  namedBy: string,
): Promise<string> {
  const name = components.join('/');
  if (!components.every(isPlainName)) {
    throw malformed(
      namedBy,
      `It names the file ${JSON.stringify(name)}; only plain file names inside the folder are allowed.`,
    );
  }
  const root = await realPathOf(folder, namedBy);
  const path = await realPathOf(join(folder, ...components), namedBy);
  const roots = [root, hubBlobs(root)];
  if (!roots.some((allowed) => allowed !== undefined && path.startsWith(allowed + sep)))
    throw malformed(
      namedBy,
      `${name} is a link that leads out of the folder ${folder}. Put the file itself there.`,
    );
  return path;
}

/** Whether a name is one path component: no separator, no drive, no NUL, not a dot folder. */
export function isPlainName(name: string): boolean {
  return name.length > 0 && name.length <= 255 && name !== '.' && name !== '..' && !/[/\\:\0]/.test(name);
}

/** The hub's cache keeps files as `models--x--y/blobs/<hash>` and links to them from `models--x--y/snapshots/<revision>/`. */
function hubBlobs(root: string): string | undefined {
  const snapshots = dirname(root);
  return basename(snapshots) === 'snapshots' ? join(dirname(snapshots), 'blobs') : undefined;
}

async function realPathOf(path: string, namedBy: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR'))
      throw missing(path, `There is no such file; ${namedBy} names it.`, { cause: error });
    throw unreadable(path, 'The path cannot be resolved.', error);
  }
}

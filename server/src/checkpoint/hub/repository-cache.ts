// A repository in the model cache, in the layout that the hub's own tools use: blobs named by their hash, snapshots of commits
// with links to them, refs that say which commit a branch stood for. One thing more: a note of the files that were fetched for a
// purpose, written at the end, because a snapshot with a part of a repository does not show whether that part is complete.
import { link, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { isPlainName } from '../files/contained-path.js';
import { isErrno } from '../files/positional-file.js';
import type { HubFile } from './listing.js';
import { isCommit, type HubModel } from './model-id.js';
import { diskFailure } from './part-file.js';
import type { Purpose } from './wanted-files.js';

/** Raised when a new version of this program needs more files of a repository. */
const SELECTION_VERSION = 1;

const noteSchema = z.object({
  version: z.literal(SELECTION_VERSION),
  files: z.array(z.object({ name: z.string().refine(isPlainName), sizeBytes: z.int().min(0) })).max(10_000),
});

export class RepositoryCache {
  readonly #folder: string;
  readonly #model: HubModel;

  constructor(cacheFolder: string, model: HubModel) {
    this.#model = model;
    this.#folder = join(cacheFolder, ['models', ...model.id.split('/')].join('--'));
  }

  get lockPath(): string {
    return `${this.#folder}.lock`;
  }

  get blobsFolder(): string {
    return join(this.#folder, 'blobs');
  }

  blobPath({ hash }: HubFile): string {
    return join(this.blobsFolder, hash.hex);
  }

  snapshotFolder(commit: string): string {
    return join(this.#folder, 'snapshots', commit);
  }

  async createFolders(commit: string): Promise<void> {
    await this.#write(this.#folder, async () => {
      await mkdir(this.blobsFolder, { recursive: true });
      await mkdir(this.snapshotFolder(commit), { recursive: true });
    });
  }

  async hasBlob(file: HubFile): Promise<boolean> {
    return (await sizeOf(this.blobPath(file))) === file.sizeBytes;
  }

  /** Makes the blob visible in the snapshot under the file's name. */
  async show(commit: string, file: HubFile): Promise<void> {
    const path = join(this.snapshotFolder(commit), file.name);
    const blob = this.blobPath(file);
    await this.#write(path, async () => {
      await rm(path, { force: true });
      try {
        await symlink(relative(dirname(path), blob), path);
      } catch (error) {
        // Windows lets few users make symbolic links; a second name of the same file does as well.
        if (!isErrno(error, 'EPERM')) throw error;
        await link(blob, path);
      }
    });
  }

  /** The commit that the revision stood for when the hub was last asked. */
  async knownCommit(): Promise<string | undefined> {
    const { revision } = this.#model;
    if (isCommit(revision)) return revision;
    const text = (await textOf(join(this.#folder, 'refs', revision)))?.trim();
    return text !== undefined && isCommit(text) ? text : undefined;
  }

  async rememberCommit(commit: string): Promise<void> {
    if (isCommit(this.#model.revision)) return;
    await this.#replace(join(this.#folder, 'refs', this.#model.revision), commit);
  }

  /** Whether everything that was fetched for the purpose is still there. */
  async isComplete(commit: string, purpose: Purpose): Promise<boolean> {
    const text = await textOf(this.#notePath(commit, purpose));
    const note = noteSchema.safeParse(text === undefined ? undefined : jsonOf(text));
    if (!note.success) return false;
    const folder = this.snapshotFolder(commit);
    const sizes = await Promise.all(note.data.files.map(({ name }) => sizeOf(join(folder, name))));
    return note.data.files.every(({ sizeBytes }, index) => sizes[index] === sizeBytes);
  }

  async noteComplete(commit: string, purpose: Purpose, files: readonly HubFile[]): Promise<void> {
    const note = {
      version: SELECTION_VERSION,
      files: files.map(({ name, sizeBytes }) => ({ name, sizeBytes })),
    };
    await this.#replace(this.#notePath(commit, purpose), JSON.stringify(note));
  }

  #notePath(commit: string, purpose: Purpose): string {
    return join(this.#folder, 'takeoff', `${commit}-${purpose}.json`);
  }

  /** Old or new, never half: another process may be reading. */
  async #replace(path: string, text: string): Promise<void> {
    await this.#write(path, async () => {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(`${path}.new`, text);
      await rename(`${path}.new`, path);
    });
  }

  async #write(path: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw diskFailure(path, error);
    }
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const facts = await stat(path);
    return facts.isFile() ? facts.size : undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
    throw diskFailure(path, error);
  }
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENOTDIR')) return undefined;
    throw diskFailure(path, error);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Half a note of a machine that lost power is no note.
    return undefined;
  }
}

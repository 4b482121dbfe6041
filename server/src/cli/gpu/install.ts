// Puts the llama.cpp packages for a GPU beside the model cache, and removes them. A package has its name only when it is complete:
// it is unpacked in a folder of another name, which is renamed at the end.
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { CommandError } from '../../errors.js';
import { installPath, PACKAGE_VERSION, type GpuPackage } from '../../native/gpu/packages.js';
import { installPackage, viewPackage, type PublishedPackage } from './npm.js';

export interface InstallOptions {
  readonly gpuFolder: string;
  readonly signal: AbortSignal;
  /** `fraction` is null where the registry does not say how large a package is. */
  readonly onProgress: (stage: string, fraction: number | null) => void;
}

export interface InstalledPackage {
  readonly name: string;
  readonly folder: string;
  readonly wasThere: boolean;
}

const POLL_MS = 500;

/** A package and its fallback, if it has one. @throws CommandError */
export async function installGpuPackage(
  { name, fallbackName }: GpuPackage,
  options: InstallOptions,
): Promise<InstalledPackage[]> {
  const installed: InstalledPackage[] = [];
  for (const each of [name, ...(fallbackName === null ? [] : [fallbackName])])
    installed.push(await installOne(each, options));
  return installed;
}

async function installOne(name: string, options: InstallOptions): Promise<InstalledPackage> {
  const { gpuFolder, signal, onProgress } = options;
  const folder = installPath(gpuFolder, name);
  if (await isFolder(folder)) return { name, folder, wasThere: true };
  const spec = `${name}@${PACKAGE_VERSION}`;
  onProgress(`asking npm for ${spec}`, null);
  const published = await viewPackage(spec, signal);
  const partial = `${folder}.partial-${process.pid}`;
  await mkdir(partial, { recursive: true });
  const polling = pollSize(partial, published.bytes, (fraction) => onProgress(`fetching ${spec}`, fraction));
  try {
    await installPackage(spec, partial, signal);
    await validateHash(partial, name, published);
    await rename(path.join(partial, 'node_modules', name), folder);
  } finally {
    clearInterval(polling);
    await rm(partial, { recursive: true, force: true });
  }
  return { name, folder, wasThere: false };
}

/** npm writes down the hash of the archive that it has unpacked. */
async function validateHash(partial: string, name: string, { integrity }: PublishedPackage): Promise<void> {
  const file = path.join(partial, 'node_modules', '.package-lock.json');
  const lock = lockSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  const got = lock.packages[`node_modules/${name}`]?.integrity;
  if (got !== integrity)
    throw new CommandError(
      'command.incomplete',
      `${name} was unpacked with the hash ${got ?? 'unknown'}, and the registry names ${integrity}; nothing was installed.`,
    );
}

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ integrity: z.string().optional() })),
});

/** npm unpacks while it downloads, so what is on the disk is how far it is. */
function pollSize(folder: string, bytes: number, tell: (fraction: number | null) => void): NodeJS.Timeout {
  return setInterval(() => {
    void sizeOf(folder).then((size) => tell(bytes === 0 ? null : Math.min(1, size / bytes)));
  }, POLL_MS);
}

async function sizeOf(folder: string): Promise<number> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const sizes = await Promise.all(
      files.map(async ({ parentPath, name }) => (await stat(path.join(parentPath, name))).size),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  } catch {
    return 0; // npm renames folders while it works; the next look finds them
  }
}

/** Removes a package and its fallback. Names of what was there. */
export async function removeGpuPackage(
  { name, fallbackName }: GpuPackage,
  gpuFolder: string,
): Promise<string[]> {
  const removed: string[] = [];
  for (const each of [name, ...(fallbackName === null ? [] : [fallbackName])]) {
    const folder = installPath(gpuFolder, each);
    if (!(await isFolder(folder))) continue;
    await rm(folder, { recursive: true });
    removed.push(each);
  }
  return removed;
}

async function isFolder(folder: string): Promise<boolean> {
  try {
    return (await stat(folder)).isDirectory();
  } catch {
    return false;
  }
}

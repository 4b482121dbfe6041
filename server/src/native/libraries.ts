// Finds the llama.cpp shared libraries and opens them: the folder named by TAKEOFF_LLAMA_LIB_DIR, or the npm package of
// this platform. Loads nothing but libraries of the one version that the symbol tables were written for.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { NativeError } from '../errors.js';
import { findLibraryFiles, LLAMA_CPP_VERSION } from './library-files.js';

const PACKAGE_VERSION = '3.22.1';

/** npm package with the CPU libraries, by `process.platform`-`process.arch`. */
const CPU_PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': '@node-llama-cpp/linux-x64',
  'linux-arm64': '@node-llama-cpp/linux-arm64',
  'darwin-arm64': '@node-llama-cpp/mac-arm64-metal',
  'darwin-x64': '@node-llama-cpp/mac-x64',
  'win32-x64': '@node-llama-cpp/win-x64',
  'win32-arm64': '@node-llama-cpp/win-arm64',
};

/** Packages that a user with a GPU installs by hand; preferred in this order when the device is `cuda`. */
const GPU_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'linux-x64': ['@node-llama-cpp/linux-x64-cuda', '@node-llama-cpp/linux-x64-vulkan'],
  'win32-x64': ['@node-llama-cpp/win-x64-cuda', '@node-llama-cpp/win-x64-vulkan'],
};

export interface LibraryChoice {
  /** Folder that overrides the npm packages; null uses the packages. */
  readonly libDir: string | null;
  /** `cuda` asks for a GPU package; anything else takes the CPU package. */
  readonly device: string;
}

export interface Libraries {
  readonly folder: string;
  readonly base: LibraryHandle;
  readonly ggml: LibraryHandle;
  readonly llama: LibraryHandle;
}

export const openLibraries = (choice: LibraryChoice): Libraries =>
  openLibrariesIn(choice.libDir ?? packageFolder(choice.device));

/** Opens the libraries of a folder. The system loads each once per process, so opening them again gives the same ones. */
export function openLibrariesIn(folder: string): Libraries {
  const files = findLibraryFiles(folder, listFolder(folder));
  return {
    folder,
    // Order matters: each library needs the ones before it.
    base: openOne(folder, files.base),
    ggml: openOne(folder, files.ggml),
    llama: openOne(folder, files.llama),
  };
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new NativeError(
      'native.library_missing',
      `The folder of llama.cpp's libraries cannot be read: ${folder}`,
      { cause },
    );
  }
}

function packageFolder(device: string): string {
  const platform = `${process.platform}-${process.arch}`;
  const cpu = CPU_PACKAGES[platform];
  if (cpu === undefined) {
    throw new NativeError(
      'native.library_missing',
      `No prebuilt llama.cpp for ${platform}; there are packages for ${Object.keys(CPU_PACKAGES).join(', ')}. ` +
        `Build llama.cpp ${LLAMA_CPP_VERSION} as shared libraries and set TAKEOFF_LLAMA_LIB_DIR to their folder.`,
    );
  }
  const wanted = device === 'cuda' ? (GPU_PACKAGES[platform] ?? []) : [cpu];
  for (const name of wanted) {
    const folder = installedFolder(name);
    if (folder !== undefined) return folder;
  }
  throw new NativeError(
    'native.library_missing',
    device === 'cuda'
      ? `Device cuda needs a GPU build of llama.cpp: npm install ${wanted[0] ?? '(none exists for this platform)'}@${PACKAGE_VERSION}, ` +
          'or set TAKEOFF_LLAMA_LIB_DIR, or use device cpu.'
      : `The package ${cpu}@${PACKAGE_VERSION} is not installed (npm leaves it out with --omit=optional). ` +
          'Install it, or set TAKEOFF_LLAMA_LIB_DIR to a folder with the shared libraries of llama.cpp.',
  );
}

function installedFolder(packageName: string): string | undefined {
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve(packageName);
  } catch {
    return undefined; // not installed; the caller tries the next one or says what is missing
  }
  return path.join(path.dirname(entry), '..', 'bins', path.basename(packageName));
}

function openOne(folder: string, file: string): LibraryHandle {
  try {
    return koffi.load(path.join(folder, file));
  } catch (cause) {
    throw new NativeError(
      'native.library_mismatch',
      `${file} in ${folder} cannot be loaded: ${String(cause)}`,
      { cause },
    );
  }
}

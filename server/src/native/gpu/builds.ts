// Builds of llama.cpp on this machine: the one that computes on the CPU, and those with a backend for GPUs, from the folder that
// TAKEOFF_LLAMA_LIB_DIR names or from npm's packages.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { NativeError } from '../../errors.js';
import { GPU_BACKENDS, type GpuBackend } from '../../model/device.js';
import { LLAMA_CPP_VERSION } from '../library-files.js';
import {
  CPU_PACKAGES,
  fallbackBackend,
  gpuPackages,
  libraryFolder,
  PACKAGE_VERSION,
  platformName,
} from './packages.js';

export interface GpuBuild {
  readonly backend: GpuBackend;
  readonly folder: string;
  /** File with the backend, for which the folder was taken. */
  readonly backendFile: string;
  /** The same backend for older drivers, from another folder. */
  readonly fallbackFile: string | null;
  /** Package, or setting, that it comes from. */
  readonly origin: string;
}

export interface BuildPlaces {
  /** Folder that overrides the npm packages; null uses the packages. */
  readonly libDir: string | null;
  /** Folder of `takeoff gpu install`; null where only npm's own folders count. */
  readonly gpuFolder: string | null;
}

/** @throws NativeError native.library_missing */
export function cpuFolder(libDir: string | null): string {
  if (libDir !== null) return libDir;
  const platform = platformName();
  const name = CPU_PACKAGES[platform];
  if (name === undefined) {
    throw new NativeError(
      'native.library_missing',
      `No prebuilt llama.cpp for ${platform}; there are packages for ${Object.keys(CPU_PACKAGES).join(', ')}. ` +
        `Build llama.cpp ${LLAMA_CPP_VERSION} as shared libraries and set TAKEOFF_LLAMA_LIB_DIR to their folder.`,
    );
  }
  const folder = libraryFolder(name, null);
  if (folder !== undefined) return folder;
  throw new NativeError(
    'native.library_missing',
    `The package ${name}@${PACKAGE_VERSION} is not installed (npm leaves it out with --omit=optional). ` +
      'Install it, or set TAKEOFF_LLAMA_LIB_DIR to a folder with the shared libraries of llama.cpp.',
  );
}

/** Builds with a backend for GPUs, the best first. A folder that cannot be read has none here; opening it says why. */
export function gpuBuilds({ libDir, gpuFolder }: BuildPlaces): GpuBuild[] {
  if (libDir !== null) {
    const files = listFiles(libDir);
    return GPU_BACKENDS.flatMap((backend) =>
      buildIn(libDir, files, { backend, fallbackFile: null, origin: 'llama_lib_dir' }),
    );
  }
  return gpuPackages().flatMap(({ backend, name, fallbackName }) => {
    const folder = libraryFolder(name, gpuFolder);
    if (folder === undefined) return [];
    const fallbackFile = fallbackName === null ? null : (fallbackBackend(fallbackName, gpuFolder) ?? null);
    return buildIn(folder, listFiles(folder), { backend, fallbackFile, origin: name });
  });
}

function buildIn(
  folder: string,
  files: readonly string[],
  facts: Pick<GpuBuild, 'backend' | 'fallbackFile' | 'origin'>,
): GpuBuild[] {
  const wanted = new RegExp(`^(?:lib)?ggml-${facts.backend}\\.(?:so|dylib|dll)$`, 'u');
  const file = files.find((name) => wanted.test(name));
  return file === undefined ? [] : [{ ...facts, folder, backendFile: path.join(folder, file) }];
}

function listFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // whoever opens its libraries refuses it with the reason
  }
}

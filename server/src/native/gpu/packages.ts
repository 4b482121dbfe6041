// The npm packages with llama.cpp's libraries: which there are for a platform, and where one is installed. Opens nothing.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { GpuBackend } from '../../model/device.js';

/** Of every package; the struct layouts in symbols/ are those of its llama.cpp. */
export const PACKAGE_VERSION = '3.22.1';

/** npm package with the CPU libraries, by `process.platform`-`process.arch`. */
export const CPU_PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': '@node-llama-cpp/linux-x64',
  'linux-arm64': '@node-llama-cpp/linux-arm64',
  'darwin-arm64': '@node-llama-cpp/mac-arm64-metal',
  'darwin-x64': '@node-llama-cpp/mac-x64',
  'win32-x64': '@node-llama-cpp/win-x64',
  'win32-arm64': '@node-llama-cpp/win-arm64',
};

export interface GpuPackage {
  readonly backend: GpuBackend;
  readonly name: string;
  /** Package with the same backend for older drivers; it holds nothing else. */
  readonly fallbackName: string | null;
}

const packagesOf = (platform: string): readonly GpuPackage[] => [
  {
    backend: 'cuda',
    name: `@node-llama-cpp/${platform}-cuda`,
    fallbackName: `@node-llama-cpp/${platform}-cuda-ext`,
  },
  { backend: 'vulkan', name: `@node-llama-cpp/${platform}-vulkan`, fallbackName: null },
];

/** The best first. */
const GPU_PACKAGES: Readonly<Record<string, readonly GpuPackage[]>> = {
  'linux-x64': packagesOf('linux-x64'),
  'win32-x64': packagesOf('win-x64'),
  'darwin-arm64': [{ backend: 'metal', name: '@node-llama-cpp/mac-arm64-metal', fallbackName: null }],
};

export const platformName = (): string => `${process.platform}-${process.arch}`;

export const gpuPackages = (platform = platformName()): readonly GpuPackage[] => GPU_PACKAGES[platform] ?? [];

/** Where `takeoff gpu install` puts a package of this version; it need not be there. */
export const installPath = (gpuFolder: string, packageName: string): string =>
  path.join(gpuFolder, PACKAGE_VERSION, path.basename(packageName));

/** Folder with the libraries of an installed package: of `gpuFolder`, or of npm's folders above this program. */
export function libraryFolder(packageName: string, gpuFolder: string | null): string | undefined {
  const root = packageRoot(packageName, gpuFolder);
  return root === undefined ? undefined : path.join(root, 'bins', path.basename(packageName));
}

/** The backend for older drivers that a package with the ending `-ext` holds. */
export function fallbackBackend(packageName: string, gpuFolder: string | null): string | undefined {
  const root = packageRoot(packageName, gpuFolder);
  if (root === undefined) return undefined;
  const folder = path.join(root, 'bins', path.basename(packageName).replace(/-ext$/u, ''), 'fallback');
  return ['libggml-cuda.so', 'ggml-cuda.dll'].map((file) => path.join(folder, file)).find(existsSync);
}

function packageRoot(packageName: string, gpuFolder: string | null): string | undefined {
  const installed = gpuFolder === null ? undefined : installPath(gpuFolder, packageName);
  if (installed !== undefined && existsSync(installed)) return installed;
  try {
    return path.join(path.dirname(createRequire(import.meta.url).resolve(packageName)), '..');
  } catch {
    return undefined; // not installed; the caller tries the next one or says what is missing
  }
}

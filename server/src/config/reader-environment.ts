// The environment of a reader's process: that of this one, and what drivers read from it and from nowhere else.
import { shaderCacheFolder } from '../model/gpu-folders.js';
import type { Environment } from './environment.js';

/** What Mesa and NVIDIA's drivers call the folder for what they compile. */
const SHADER_CACHE_VARIABLES = ['MESA_SHADER_CACHE_DIR', '__GL_SHADER_DISK_CACHE_PATH', 'CUDA_CACHE_PATH'];

/** By which CUDA and ggml's Vulkan backend are told which cards there are, both by their numbers. */
const VISIBILITY_VARIABLES = ['CUDA_VISIBLE_DEVICES', 'GGML_VK_VISIBLE_DEVICES'];

export interface ReaderSurroundings {
  readonly repositoryPath: string;
  /** Of the setting; null leaves it to the variables that are set. */
  readonly cudaVisibleDevices: string | null;
}

/** Variables that are set already stay as they are. */
export function readerEnvironment(
  { repositoryPath, cudaVisibleDevices }: ReaderSurroundings,
  own: Environment = process.env,
): Environment {
  const folder = shaderCacheFolder(repositoryPath);
  const caches = Object.fromEntries(SHADER_CACHE_VARIABLES.map((name) => [name, folder]));
  if (cudaVisibleDevices === null) return { ...caches, ...own };
  const visible = Object.fromEntries(VISIBILITY_VARIABLES.map((name) => [name, cudaVisibleDevices]));
  return { ...caches, ...own, ...visible };
}

/** For a process that is a reader itself; to be called before anything is loaded that reads them. */
export function becomeReaderEnvironment(surroundings: ReaderSurroundings): void {
  Object.assign(process.env, readerEnvironment(surroundings));
}

// The environment of a reader's process: that of this one, and what drivers read from it and from nowhere else.
import { shaderCacheFolder } from '../model/gpu-folders.js';
import type { Environment } from './environment.js';

/** What Mesa and NVIDIA's drivers call the folder for what they compile. */
const SHADER_CACHE_VARIABLES = ['MESA_SHADER_CACHE_DIR', '__GL_SHADER_DISK_CACHE_PATH', 'CUDA_CACHE_PATH'];

export interface ReaderSurroundings {
  readonly repositoryPath: string;
}

/** Variables that are set already stay as they are. */
export function readerEnvironment(
  { repositoryPath }: ReaderSurroundings,
  own: Environment = process.env,
): Environment {
  const folder = shaderCacheFolder(repositoryPath);
  return { ...Object.fromEntries(SHADER_CACHE_VARIABLES.map((name) => [name, folder])), ...own };
}

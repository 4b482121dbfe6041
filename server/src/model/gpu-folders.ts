// Where things for GPUs lie: beside the converted models, in folders of their own.
import path from 'node:path';

/** Packages that `takeoff gpu install` fetched; `npm ci` throws nothing away here. */
export const gpuPackagesFolder = (repositoryPath: string): string =>
  path.join(repositoryPath, 'gpu', 'packages');

/** What drivers compile for their cards, kept for the next start. */
export const shaderCacheFolder = (repositoryPath: string): string =>
  path.join(repositoryPath, 'gpu', 'shaders');

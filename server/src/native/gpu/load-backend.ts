// Loads the backend of a build for GPUs: its own file, or, where the driver is too old for that, the fallback of another package.
import type { GgmlSymbols } from '../symbols/ggml.js';
import type { GpuBuild } from './builds.js';

/** Loading one that is loaded already would count its devices twice, so this comes before everything else of the folder. */
export function loadGpuBackend(
  ggml: GgmlSymbols,
  { backendFile, fallbackFile }: Pick<GpuBuild, 'backendFile' | 'fallbackFile'>,
): 'own' | 'fallback' | 'none' {
  if (ggml.loadBackend(backendFile) !== null) return 'own';
  return fallbackFile !== null && ggml.loadBackend(fallbackFile) !== null ? 'fallback' : 'none';
}

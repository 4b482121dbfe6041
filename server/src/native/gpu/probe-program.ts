// The program that probe.ts runs: opens a build of llama.cpp, prints as JSON which GPUs it reaches, ends.
import type { GpuBuild } from './builds.js';
import { openGpus } from './gpu-devices.js';
import type { ProbeOutcome } from './probe.js';
import { openLibrariesIn } from '../libraries.js';
import { forwardLog } from '../log.js';
import { bindGgml } from '../symbols/ggml.js';
import { bindLlama } from '../symbols/llama.js';
import { loadGpuBackend } from './load-backend.js';

export function printProbe(argument: string): void {
  const build = JSON.parse(argument) as GpuBuild;
  process.stdout.write(JSON.stringify(probe(build)));
}

function probe(build: GpuBuild): ProbeOutcome {
  const complaints: string[] = [];
  try {
    const libraries = openLibrariesIn(build.folder);
    const ggml = bindGgml(libraries);
    forwardLog(bindLlama(libraries), (level, line) => {
      if (level === 'error') complaints.push(line.replace(/^load_backend: /u, ''));
    });
    const usesFallback = loadGpuBackend(ggml, build) === 'fallback';
    const devices = openGpus(ggml)
      .filter(({ backend }) => backend === build.backend)
      .map(({ name, description, backend, freeBytes, totalBytes }) => ({
        name,
        description,
        backend,
        freeBytes,
        totalBytes,
      }));
    return { devices, usesFallback, complaints };
  } catch (error) {
    return { devices: [], usesFallback: false, complaints: [...complaints, String(error)] };
  }
}

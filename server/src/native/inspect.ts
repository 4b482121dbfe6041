// Libraries, CPU backend, devices and memory of this machine, for `takeoff doctor`. Opens the libraries as a reader does.
import os from 'node:os';
import { measureGain, type KernelGain } from './kernels/gain.js';
import { describeKernels } from './kernels/kernels.js';
import type { ChosenDevice } from './gpu/choose-device.js';
import { describeDevice } from './gpu/gpu-devices.js';
import { LLAMA_CPP_VERSION } from './library-files.js';
import { openRuntime } from './runtime.js';
import { physicalCores } from './cores.js';

export interface RuntimeReport {
  readonly llamaCppVersion: string;
  readonly libraryFolder: string;
  /** File name of the CPU backend that fits this processor best, such as libggml-cpu-zen4.so. */
  readonly cpuBackend: string | null;
  /** Instruction sets that the CPU backend uses. */
  readonly cpuFeatures: readonly string[];
  /** Our own kernels, or why llama.cpp's are used. */
  readonly kernels: string;
  /** What they gain, measured now; null where llama.cpp's are used. */
  readonly kernelGain: KernelGain | null;
  readonly devices: readonly {
    readonly name: string;
    readonly description: string;
    readonly memoryBytes: number;
  }[];
  readonly threads: number;
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
}

/**
 * Takes a second where our own kernels are used.
 * @throws NativeError with one clear sentence when the libraries are missing or do not match
 */
export async function inspectRuntime(
  device: ChosenDevice,
  threads = physicalCores(),
): Promise<RuntimeReport> {
  let cpuBackend: string | null = null;
  const runtime = openRuntime({
    device,
    threads,
    kernels: 'auto',
    log: (_level, line) => {
      cpuBackend ??= /loaded CPU backend from .*?([^/\\]+)$/.exec(line)?.[1] ?? null;
    },
  });
  const { ggml, llama } = runtime;
  const devices = Array.from({ length: ggml.deviceCount() }, (_, index) => {
    const { name, description, totalBytes } = describeDevice(ggml, ggml.deviceAt(index));
    return { name, description, memoryBytes: totalBytes };
  });
  return {
    llamaCppVersion: LLAMA_CPP_VERSION,
    libraryFolder: runtime.folder,
    cpuBackend,
    cpuFeatures: [...llama.systemInfo().matchAll(/(\w+) = 1/g)].flatMap((match) => match[1] ?? []),
    kernels: describeKernels(runtime.kernels),
    kernelGain: await measureGain(runtime),
    devices,
    threads,
    memoryBytes: os.totalmem(),
    freeMemoryBytes: os.freemem(),
  };
}

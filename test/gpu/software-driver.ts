// A GPU for tests where there is none: Mesa's software driver for Vulkan, which ggml takes when it is named, and the npm package of
// llama.cpp that .ci/run puts into this user's model cache. Where one of them is missing, tests say so and are skipped.
import { loadConfig } from '../../server/src/config/load-config.js';
import { gpuPackagesFolder } from '../../server/src/model/gpu-folders.js';
import type { ChosenDevice } from '../../server/src/native/gpu/choose-device.js';
import { findDevice } from '../../server/src/native/gpu/find-device.js';

/**
 * One thread of the driver is enough for models of this size, and leaves the other cores to other tests. Operations that ggml fuses
 * end the process inside Mesa 22.3 when a step has nine rows or more, so they are computed one by one.
 */
export const SOFTWARE_DRIVER = {
  GGML_VK_VISIBLE_DEVICES: '0',
  GGML_VK_DISABLE_FUSION: '1',
  LP_NUM_THREADS: '1',
};

/** Where packages, and what the driver compiled in an earlier run, are found: its compilation takes minutes, once. */
export const repositoryPath = (): string =>
  loadConfig({ flags: new Map(), configFile: undefined }).server.repositoryPath;

/** The device; null, with a line that says why, where there is none. */
export async function findSoftwareDevice(): Promise<ChosenDevice | null> {
  Object.assign(process.env, SOFTWARE_DRIVER);
  try {
    return await findDevice('vulkan', { libDir: null, gpuFolder: gpuPackagesFolder(repositoryPath()) });
  } catch (error) {
    process.stdout.write(`Nothing is tried on Vulkan: ${String(error)}\n`);
    return null;
  }
}

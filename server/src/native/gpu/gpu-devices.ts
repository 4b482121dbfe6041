// The GPUs that the loaded backends offer, with their memory, in the order in which llama.cpp counts them.
import type { GpuBackend } from '../../model/device.js';
import type { GgmlSymbols } from '../symbols/ggml.js';
import type { Pointer } from '../symbols/structs.js';

/** What a device says of itself. */
export interface GpuDevice {
  /** Name in llama.cpp: Vulkan0. */
  readonly name: string;
  /** Name of the card. */
  readonly description: string;
  readonly backend: GpuBackend;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface OpenGpu extends GpuDevice {
  /** ggml_backend_dev */
  readonly pointer: Pointer;
}

/** enum ggml_backend_dev_type */
export const DEVICE_CPU = 0;
const DEVICE_GPU = 1;
const DEVICE_INTEGRATED_GPU = 2;

/** By the name of the backend's registry. */
const BACKENDS: Readonly<Record<string, GpuBackend>> = {
  CUDA: 'cuda',
  Vulkan: 'vulkan',
  MTL: 'metal',
  Metal: 'metal',
};

/** Devices with memory of their own come before those that share the processor's. */
export function openGpus(ggml: GgmlSymbols): OpenGpu[] {
  const devices = Array.from({ length: ggml.deviceCount() }, (_, index) => ggml.deviceAt(index));
  const ofType = (type: number): OpenGpu[] =>
    devices.flatMap((pointer) => {
      const backend = BACKENDS[ggml.registryName(ggml.deviceReg(pointer))];
      return backend !== undefined && ggml.deviceType(pointer) === type
        ? [{ pointer, backend, ...describeDevice(ggml, pointer) }]
        : [];
    });
  return [...ofType(DEVICE_GPU), ...ofType(DEVICE_INTEGRATED_GPU)];
}

/** Memory is as it is now. */
export function describeDevice(ggml: GgmlSymbols, pointer: Pointer): Omit<GpuDevice, 'backend'> {
  const free: [number] = [0];
  const total: [number] = [0];
  ggml.deviceMemory(pointer, free, total);
  return {
    name: ggml.deviceName(pointer),
    description: ggml.deviceDescription(pointer),
    freeBytes: free[0],
    totalBytes: total[0],
  };
}

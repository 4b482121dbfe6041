// The native runtime of one process: libraries loaded once, layouts checked, backends registered, native logs forwarded,
// one persistent pool of compute threads, and the thread on which every graph of the process is computed.
import koffi from 'koffi';
import { ConfigError, NativeError } from '../errors.js';
import type { KernelChoice } from '../model/kernels.js';
import { InferenceThread } from './inference/inference-thread.js';
import { openKernels, type Kernels } from './kernels/kernels.js';
import { validateLayout } from './layout-check.js';
import type { ChosenDevice } from './gpu/choose-device.js';
import { DEVICE_CPU, openGpus, type OpenGpu } from './gpu/gpu-devices.js';
import { openLibrariesIn } from './libraries.js';
import { forwardLog, type NativeLog } from './log.js';
import { bindGgml, type GgmlSymbols } from './symbols/ggml.js';
import { bindLlama, type LlamaSymbols } from './symbols/llama.js';
import type { Pointer } from './symbols/structs.js';

export interface RuntimeOptions {
  readonly device: ChosenDevice;
  /** GPUs that share a model, at least 1; the first of those that the device was found with. */
  readonly gpuCount?: number;
  /** Compute threads; at least 1. */
  readonly threads: number;
  /** Our own kernels for products on the CPU. */
  readonly kernels: KernelChoice;
  readonly log: NativeLog;
}

export interface Runtime {
  readonly folder: string;
  readonly ggml: GgmlSymbols;
  readonly llama: LlamaSymbols;
  readonly threads: number;
  /** ggml_threadpool of the CPU backend; lives as long as the process. */
  readonly threadpool: Pointer;
  /** ggml_backend of the device that computes the vision tower. */
  readonly backend: Pointer;
  /** GPUs that compute; empty where the CPU does. The vision tower is on the first. */
  readonly gpus: readonly OpenGpu[];
  /** Whether the libraries know GPUs that are not to be used. */
  readonly hidesGpus: boolean;
  readonly kernels: Kernels;
  /** Sets the number of threads of the pool that the tower's graphs use. */
  readonly setTowerThreads: (threads: number) => void;
  /** The last line by which a library said that it could not allocate memory. */
  readonly memoryFailure: () => string | undefined;
  /** Computes graphs and decodes batches. */
  readonly inference: InferenceThread;
}

/** As llama.cpp, ggml and its backends put it. */
const MEMORY_FAILURE =
  /(?:unable|failed) to allocate|out ?of ?(?:device ?|host ?)?memory|cudaMalloc failed/iu;

let opened: { readonly runtime: Runtime; readonly key: string } | undefined;

/**
 * Opens the runtime, or returns the one already open. A process has one: ggml's registry and logger are global.
 * @throws NativeError native.library_missing, native.library_mismatch, native.call_failed
 */
export function openRuntime(options: RuntimeOptions): Runtime {
  const { device: chosen, threads } = options;
  const key = JSON.stringify([chosen, options.gpuCount, threads, options.kernels]);
  if (opened !== undefined) {
    if (opened.key !== key)
      throw new NativeError(
        'native.call_failed',
        'A process can open one native runtime only; its options differ from the first.',
      );
    return opened.runtime;
  }
  const libraries = openLibrariesIn(chosen.folder);
  const ggml = bindGgml(libraries);
  const llama = bindLlama(libraries);
  validateLayout(ggml, llama, libraries.folder);
  let memoryFailure: string | undefined;
  forwardLog(llama, (level, line) => {
    if (level === 'error' && MEMORY_FAILURE.test(line)) memoryFailure = line.trim();
    options.log(level, line);
  });
  ggml.loadBackends(libraries.folder);
  if (chosen.kind === 'gpu' && chosen.fallbackFile !== null) ggml.loadBackend(chosen.fallbackFile);
  llama.backendInit();

  const cpu = ggml.deviceByType(DEVICE_CPU);
  if (cpu === null) {
    throw new NativeError(
      'native.library_mismatch',
      `No CPU backend (libggml-cpu-*) of ${libraries.folder} runs on this processor.`,
    );
  }
  const threadpool = newThreadpool(ggml, cpu, threads);
  const known = openGpus(ggml);
  const gpus = chosen.kind === 'cpu' ? [] : chosenGpus(known, chosen, options.gpuCount ?? 1);
  const [firstGpu] = gpus;
  const kernels: Kernels =
    firstGpu === undefined
      ? openKernels(ggml, { choice: options.kernels, cpu, threadpool })
      : { kind: 'unused', reason: 'the model computes on a GPU' };
  const device = firstGpu?.pointer ?? (kernels.kind === 'used' ? kernels.device : cpu);
  const backend = ggml.deviceInit(device, null);
  if (backend === null)
    throw new NativeError(
      'native.call_failed',
      'ggml_backend_dev_init returned null: the device cannot be initialised.',
    );
  const setTowerThreads = firstGpu === undefined ? threadSetter(ggml, device, backend) : () => undefined;
  if (device === cpu) attachPool(ggml, cpu, backend, threadpool);
  setTowerThreads(threads);

  const runtime = {
    folder: libraries.folder,
    ggml,
    llama,
    threads,
    threadpool,
    backend,
    gpus,
    hidesGpus: known.length > gpus.length,
    kernels,
    setTowerThreads,
    memoryFailure: () => memoryFailure,
    inference: new InferenceThread(libraries.folder),
  };
  opened = { runtime, key };
  return runtime;
}

/** @throws NativeError native.device_missing when one of them has gone since it was found */
function chosenGpus(
  known: readonly OpenGpu[],
  { devices, backend }: Extract<ChosenDevice, { kind: 'gpu' }>,
  count: number,
): OpenGpu[] {
  if (count > devices.length)
    throw new ConfigError(
      `tensor_parallel is ${count}, and there ${devices.length === 1 ? 'is one device' : `are ${devices.length} devices`} ` +
        `(${devices.map(({ name }) => name).join(', ')}); allowed are 1 to ${devices.length}.`,
    );
  return devices.slice(0, count).map(({ name }) => {
    const gpu = known.find((one) => one.name === name && one.backend === backend);
    if (gpu === undefined)
      throw new NativeError(
        'native.device_missing',
        `${name} was found and is gone; the driver may have reset it.`,
      );
    return gpu;
  });
}

/**
 * A pool that outlives the graphs: without one every compute starts fresh threads, which costs milliseconds per token.
 * poll 50 keeps the threads spinning briefly between steps, ggml's default.
 */
function newThreadpool(ggml: GgmlSymbols, cpu: Pointer, threads: number): Pointer {
  // struct ggml_threadpool * ggml_threadpool_new(struct ggml_threadpool_params * params)
  const create = deviceFunction(ggml, cpu, 'ggml_threadpool_new');
  const proto = koffi.proto('void *ggml_threadpool_new_fn(ggml_threadpool_params *params)');
  const pool = koffi.call(create, proto, ggml.threadpoolDefaults(threads)) as Pointer | null;
  if (pool === null)
    throw new NativeError('native.call_failed', `ggml_threadpool_new returned null for ${threads} threads.`);
  return pool;
}

function attachPool(ggml: GgmlSymbols, cpu: Pointer, backend: Pointer, pool: Pointer): void {
  // void ggml_backend_cpu_set_threadpool(ggml_backend_t backend, ggml_threadpool_t threadpool)
  const setPool = koffi.proto('void ggml_backend_cpu_set_threadpool_fn(void *backend, void *threadpool)');
  koffi.call(deviceFunction(ggml, cpu, 'ggml_backend_cpu_set_threadpool'), setPool, backend, pool);
}

function threadSetter(ggml: GgmlSymbols, device: Pointer, backend: Pointer): (threads: number) => void {
  // void ggml_backend_set_n_threads(ggml_backend_t backend, int n_threads)
  const proto = koffi.proto('void ggml_backend_set_n_threads_fn(void *backend, int n_threads)');
  const address = deviceFunction(ggml, device, 'ggml_backend_set_n_threads');
  return (threads) => {
    koffi.call(address, proto, backend, threads);
  };
}

function deviceFunction(ggml: GgmlSymbols, device: Pointer, name: string): Pointer {
  const address = ggml.procAddress(ggml.deviceReg(device), name);
  if (address === null)
    throw new NativeError(
      'native.library_mismatch',
      `The backend of ${ggml.deviceName(device)} has no function ${name}.`,
    );
  return address;
}

// Buffers of ggml's CPU backend in which it orders weights for kernels of its own, and which of them llama.cpp would use for a matrix.
import koffi from 'koffi';
import type { TensorType } from '../model/tensor-types.js';
import { GraphBuilder } from './graph.js';
import { DEVICE_CPU } from './gpu/gpu-devices.js';
import type { Runtime } from './runtime.js';
import type { Pointer } from './symbols/structs.js';
import { TensorStore } from './tensors.js';

/** ggml_backend_buffer_type that llama.cpp puts a matrix of this type and shape into; that of the backend where there is no special one. */
export function llamaBufferType(runtime: Runtime, type: TensorType, dims: readonly number[]): Pointer {
  const { ggml, backend } = runtime;
  const cpu = ggml.deviceByType(DEVICE_CPU);
  const extra = cpu === null ? [] : extraBufferTypes(runtime, cpu);
  return (
    extra.find((one) => cpu !== null && takes(runtime, cpu, one, type, dims)) ??
    ggml.backendBufferType(backend)
  );
}

/** Those that the CPU backend was built with and this processor has instructions for, best first. */
function extraBufferTypes({ ggml }: Runtime, cpu: Pointer): Pointer[] {
  // ggml_backend_buffer_type_t * ggml_backend_dev_get_extra_bufts(ggml_backend_dev_t device); ends with a null
  const address = ggml.procAddress(ggml.deviceReg(cpu), 'ggml_backend_dev_get_extra_bufts');
  if (address === null) return [];
  const proto = koffi.proto('void *', ['void *']); // without a name, because names are for once
  const list = koffi.call(address, proto, cpu) as Pointer | null;
  const types: Pointer[] = [];
  for (let at = list; at !== null; at += 8n) {
    const [type = 0n] = new BigUint64Array(koffi.view(at, 8));
    if (type === 0n) break;
    types.push(type);
  }
  return types;
}

/** Asks as llama.cpp's loader does: with a product of a matrix that lies there. */
function takes(
  runtime: Runtime,
  cpu: Pointer,
  bufferType: Pointer,
  type: TensorType,
  dims: readonly number[],
): boolean {
  const store = new TensorStore(runtime, [{ name: 'w', type, dims, isMatrix: true }], bufferType);
  const builder = new GraphBuilder(runtime);
  const product = builder.mulMat(store.get('w'), builder.input('F32', [dims[0] ?? 1, 1]));
  const graph = builder.finish([[product]], [product]);
  try {
    return runtime.ggml.deviceSupports(cpu, product.pointer);
  } finally {
    graph.close();
    store.close();
  }
}

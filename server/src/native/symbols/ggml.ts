// The ggml symbols this project calls: libggml-base (tensors, graphs, buffers, quantisation) and libggml (backend registry),
// llama.cpp v0.5.0. Each prototype is the header's, pointers written as void *. Unless a line says otherwise: the callee
// keeps no argument, nothing is thread-safe for one object, and violated preconditions abort the process (GGML_ASSERT).
import type { Libraries } from '../libraries.js';
import { bind } from './bind.js';
import type { GgmlInitParams, Pointer, ThreadpoolParams } from './structs.js';

type P = Pointer;
type Bytes = Uint8Array | Float32Array | Int32Array;

export function bindGgml({ base, ggml }: Libraries) {
  return {
    // --- contexts and tensors (ggml.h). A tensor lives as long as its context.
    /** Caller frees with `free`. Null when mem_size cannot be allocated. */
    init: bind<[GgmlInitParams], P | null>(base, 'void *ggml_init(ggml_init_params params)'),
    free: bind<[P], void>(base, 'void ggml_free(void *ctx)'),
    tensorOverhead: bind<[], number>(base, 'size_t ggml_tensor_overhead()'),
    graphOverhead: bind<[number, boolean], number>(
      base,
      'size_t ggml_graph_overhead_custom(size_t size, bool grads)',
    ),
    newTensor: bind<[P, number, number, number, number, number], P>(
      base,
      'void *ggml_new_tensor_4d(void *ctx, int type, int64_t ne0, int64_t ne1, int64_t ne2, int64_t ne3)',
    ),
    setName: bind<[P, string], P>(base, 'void *ggml_set_name(void *tensor, const char *name)'),
    setInput: bind<[P], void>(base, 'void ggml_set_input(void *tensor)'),
    setOutput: bind<[P], void>(base, 'void ggml_set_output(void *tensor)'),

    // --- operations: each returns a new tensor of the context; nothing is computed yet
    add: bind<[P, P, P], P>(base, 'void *ggml_add(void *ctx, void *a, void *b)'),
    mul: bind<[P, P, P], P>(base, 'void *ggml_mul(void *ctx, void *a, void *b)'),
    scale: bind<[P, P, number], P>(base, 'void *ggml_scale(void *ctx, void *a, float s)'),
    norm: bind<[P, P, number], P>(base, 'void *ggml_norm(void *ctx, void *a, float eps)'),
    mulMat: bind<[P, P, P], P>(base, 'void *ggml_mul_mat(void *ctx, void *a, void *b)'),
    /** enum ggml_prec: 10 is f32 sums. For the result of a product. */
    mulMatPrecision: bind<[P, number], void>(base, 'void ggml_mul_mat_set_prec(void *a, int prec)'),
    flashAttentionPrecision: bind<[P, number], void>(
      base,
      'void ggml_flash_attn_ext_set_prec(void *a, int prec)',
    ),
    repeat: bind<[P, P, number, number, number, number], P>(
      base,
      'void *ggml_repeat_4d(void *ctx, void *a, int64_t ne0, int64_t ne1, int64_t ne2, int64_t ne3)',
    ),
    silu: bind<[P, P], P>(base, 'void *ggml_silu(void *ctx, void *a)'),
    geluErf: bind<[P, P], P>(base, 'void *ggml_gelu_erf(void *ctx, void *a)'),
    softMax: bind<[P, P, P | null, number, number], P>(
      base,
      'void *ggml_soft_max_ext(void *ctx, void *a, void *mask, float scale, float max_bias)',
    ),
    flashAttention: bind<[P, P, P, P, P | null, number, number, number], P>(
      base,
      'void *ggml_flash_attn_ext(void *ctx, void *q, void *k, void *v, void *mask, float scale, float max_bias, float logit_softcap)',
    ),
    concat: bind<[P, P, P, number], P>(base, 'void *ggml_concat(void *ctx, void *a, void *b, int dim)'),
    cast: bind<[P, P, number], P>(base, 'void *ggml_cast(void *ctx, void *a, int type)'),
    cont: bind<[P, P], P>(base, 'void *ggml_cont(void *ctx, void *a)'),
    permute: bind<[P, P, number, number, number, number], P>(
      base,
      'void *ggml_permute(void *ctx, void *a, int axis0, int axis1, int axis2, int axis3)',
    ),
    reshape: bind<[P, P, number, number, number, number], P>(
      base,
      'void *ggml_reshape_4d(void *ctx, void *a, int64_t ne0, int64_t ne1, int64_t ne2, int64_t ne3)',
    ),
    view3d: bind<[P, P, number, number, number, number, number, number], P>(
      base,
      'void *ggml_view_3d(void *ctx, void *a, int64_t ne0, int64_t ne1, int64_t ne2, size_t nb1, size_t nb2, size_t offset)',
    ),

    // --- graphs
    newGraph: bind<[P, number, boolean], P>(
      base,
      'void *ggml_new_graph_custom(void *ctx, size_t size, bool grads)',
    ),
    buildForward: bind<[P, P], void>(base, 'void ggml_build_forward_expand(void *graph, void *tensor)'),
    nodeCount: bind<[P], number>(base, 'int ggml_graph_n_nodes(void *graph)'),
    node: bind<[P, number], P>(base, 'void *ggml_graph_node(void *graph, int index)'),
    /** Takes the node as it is, without those that it is computed from. */
    addNode: bind<[P, P], void>(base, 'void ggml_graph_add_node(void *graph, void *tensor)'),

    // --- buffers and backends (ggml-backend.h, ggml-alloc.h)
    /** Places all tensors of a no_alloc context; caller frees the buffer. Null when memory is short. */
    allocTensors: bind<[P, P], P | null>(
      base,
      'void *ggml_backend_alloc_ctx_tensors_from_buft(void *ctx, void *buft)',
    ),
    bufferFree: bind<[P], void>(base, 'void ggml_backend_buffer_free(void *buffer)'),
    bufferSize: bind<[P], number>(base, 'size_t ggml_backend_buffer_get_size(void *buffer)'),
    bufferSetUsage: bind<[P, number], void>(
      base,
      'void ggml_backend_buffer_set_usage(void *buffer, int usage)',
    ),
    /** Copies from `data` into the tensor (repacking it where the buffer type does). */
    tensorSet: bind<[P, Bytes, number, number], void>(
      base,
      'void ggml_backend_tensor_set(void *tensor, const void *data, size_t offset, size_t size)',
    ),
    tensorGet: bind<[P, Bytes, number, number], void>(
      base,
      'void ggml_backend_tensor_get(void *tensor, _Out_ void *data, size_t offset, size_t size)',
    ),
    gallocrNew: bind<[P], P>(base, 'void *ggml_gallocr_new(void *buft)'),
    gallocrFree: bind<[P], void>(base, 'void ggml_gallocr_free(void *galloc)'),
    /** False when memory is short. */
    gallocrAlloc: bind<[P, P], boolean>(base, 'bool ggml_gallocr_alloc_graph(void *galloc, void *graph)'),
    backendBufferType: bind<[P], P>(base, 'void *ggml_backend_get_default_buffer_type(void *backend)'),
    bufferTypeName: bind<[P], string>(base, 'const char *ggml_backend_buft_name(void *buft)'),
    /** 0 success · 1 aborted · −1 failed · −2 out of memory (enum ggml_status). Blocks; call it on a worker. */
    graphCompute: bind<[P, P], number>(base, 'int ggml_backend_graph_compute(void *backend, void *graph)'),
    deviceInit: bind<[P, string | null], P | null>(
      base,
      'void *ggml_backend_dev_init(void *device, const char *params)',
    ),
    /** Whether the device computes an operation with its operands where they are. */
    deviceSupports: bind<[P, P], boolean>(base, 'bool ggml_backend_dev_supports_op(void *device, void *op)'),
    deviceName: bind<[P], string>(base, 'const char *ggml_backend_dev_name(void *device)'),
    deviceDescription: bind<[P], string>(base, 'const char *ggml_backend_dev_description(void *device)'),
    deviceMemory: bind<[P, [number], [number]], void>(
      base,
      'void ggml_backend_dev_memory(void *device, _Out_ size_t *free, _Out_ size_t *total)',
    ),
    /** enum ggml_backend_dev_type */
    deviceType: bind<[P], number>(base, 'int ggml_backend_dev_type(void *device)'),
    registryName: bind<[P], string>(base, 'const char *ggml_backend_reg_name(void *reg)'),
    deviceReg: bind<[P], P>(base, 'void *ggml_backend_dev_backend_reg(void *device)'),
    registryDevice: bind<[P, number], P>(base, 'void *ggml_backend_reg_dev_get(void *reg, size_t index)'),
    /** Null when the backend has no such function. */
    procAddress: bind<[P, string], P | null>(
      base,
      'void *ggml_backend_reg_get_proc_address(void *reg, const char *name)',
    ),

    // --- backend registry (libggml)
    /** Loads the best ggml-cpu library for this processor and every GPU backend of the folder. */
    loadBackends: bind<[string], void>(ggml, 'void ggml_backend_load_all_from_path(const char *dir)'),
    /** Loads one backend and adds its devices. Null when the system cannot load the file; the log says why. */
    loadBackend: bind<[string], P | null>(ggml, 'void *ggml_backend_load(const char *path)'),
    deviceCount: bind<[], number>(ggml, 'size_t ggml_backend_dev_count()'),
    deviceAt: bind<[number], P>(ggml, 'void *ggml_backend_dev_get(size_t index)'),
    /** Adds the devices of a backend that was not loaded by ggml itself. */
    register: bind<[P], void>(ggml, 'void ggml_backend_register(void *reg)'),
    deviceByType: bind<[number], P | null>(ggml, 'void *ggml_backend_dev_by_type(int type)'),

    // --- types and quantisation
    /** Static storage. */
    typeTraits: bind<[number], P>(base, 'void *ggml_get_type_traits(int type)'),
    /** Thread-safe. Returns bytes written: nrows rows from row start/n_per_row on. */
    quantizeChunk: bind<[number, Bytes, Bytes, number, number, number, null], number>(
      base,
      'size_t ggml_quantize_chunk(int type, const void *src, void *dst, int64_t start, int64_t nrows, int64_t n_per_row, const void *imatrix)',
    ),
    fp16ToFp32: bind<[Bytes, Float32Array, number], void>(
      base,
      'void ggml_fp16_to_fp32_row(const void *x, void *y, int64_t n)',
    ),
    bf16ToFp32: bind<[Bytes, Float32Array, number], void>(
      base,
      'void ggml_bf16_to_fp32_row(const void *x, void *y, int64_t n)',
    ),
    fp32ToFp16: bind<[Float32Array, Bytes, number], void>(
      base,
      'void ggml_fp32_to_fp16_row(const void *x, void *y, int64_t n)',
    ),
    fp32ToBf16: bind<[Float32Array, Bytes, number], void>(
      base,
      'void ggml_fp32_to_bf16_row(const void *x, void *y, int64_t n)',
    ),

    // --- thread pools: parameters here, the pool itself comes from the CPU backend's procAddress
    threadpoolDefaults: bind<[number], ThreadpoolParams>(
      base,
      'ggml_threadpool_params ggml_threadpool_params_default(int n_threads)',
    ),
  } as const;
}

export type GgmlSymbols = ReturnType<typeof bindGgml>;

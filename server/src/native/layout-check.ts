// Refuses a library whose structs differ from those of structs.ts. Reads the known defaults of llama.cpp v0.5.0 through the
// declarations of structs.ts: a field that has moved shows as a wrong default.
import { NativeError } from '../errors.js';
import { LLAMA_CPP_VERSION } from './library-files.js';
import type { GgmlSymbols } from './symbols/ggml.js';
import type { LlamaSymbols } from './symbols/llama.js';

const GGML_TYPE_F16 = 1;

export function validateLayout(ggml: GgmlSymbols, llama: LlamaSymbols, folder: string): void {
  const wrong: string[] = [];
  const expect = (field: string, got: unknown, wanted: unknown) => {
    if (got !== wanted) wrong.push(`${field} is ${String(got)} instead of ${String(wanted)}`);
  };

  const model = llama.modelDefaults();
  expect('llama_model_params.n_gpu_layers', model.n_gpu_layers, -1);
  expect('llama_model_params.split_mode', model.split_mode, 1);
  expect('llama_model_params.load_mode', model.load_mode, -1);
  expect('llama_model_params.vocab_only', model.vocab_only, false);
  expect('llama_model_params.use_extra_bufts', model.use_extra_bufts, true);
  expect('llama_model_params.no_alloc', model.no_alloc, false);

  const context = llama.contextDefaults();
  expect('llama_context_params.n_ctx', context.n_ctx, 512);
  expect('llama_context_params.n_batch', context.n_batch, 2048);
  expect('llama_context_params.n_ubatch', context.n_ubatch, 512);
  expect('llama_context_params.n_seq_max', context.n_seq_max, 1);
  expect('llama_context_params.rope_scaling_type', context.rope_scaling_type, -1);
  expect('llama_context_params.pooling_type', context.pooling_type, -1);
  expect('llama_context_params.flash_attn_type', context.flash_attn_type, -1);
  expect('llama_context_params.type_k', context.type_k, GGML_TYPE_F16);
  expect('llama_context_params.type_v', context.type_v, GGML_TYPE_F16);
  expect('llama_context_params.offload_kqv', context.offload_kqv, true);
  expect('llama_context_params.no_perf', context.no_perf, true);
  expect('llama_context_params.kv_unified', context.kv_unified, false);

  const pool = ggml.threadpoolDefaults(3);
  expect('ggml_threadpool_params.n_threads', pool.n_threads, 3);
  expect('ggml_threadpool_params.poll', pool.poll, 50);
  expect('ggml_threadpool_params.strict_cpu', pool.strict_cpu, false);

  if (wrong.length > 0) {
    throw new NativeError(
      'native.library_mismatch',
      `The llama.cpp libraries in ${folder} are not ${LLAMA_CPP_VERSION}, which this program was written for: ${wrong.join('; ')}.`,
    );
  }
}

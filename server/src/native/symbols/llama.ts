// The llama.cpp symbols this project calls (include/llama.h, v0.5.0), pointers written as void *. One context is used by one
// call at a time; a model is shared by its contexts and must outlive them.
import type { Libraries } from '../libraries.js';
import { bind } from './bind.js';
import type {
  LlamaBatch,
  LlamaContextParams,
  LlamaModelParams,
  Pointer,
  SamplerChainParams,
} from './structs.js';

type P = Pointer;

export function bindLlama({ llama }: Libraries) {
  return {
    backendInit: bind<[], void>(llama, 'void llama_backend_init()'),
    /** The callback may be called on any thread and must stay registered until the process ends. */
    logSet: bind<[P, null], void>(llama, 'void llama_log_set(void *callback, void *user_data)'),
    systemInfo: bind<[], string>(llama, 'const char *llama_print_system_info()'),

    modelDefaults: bind<[], LlamaModelParams>(llama, 'llama_model_params llama_model_default_params()'),
    contextDefaults: bind<[], LlamaContextParams>(
      llama,
      'llama_context_params llama_context_default_params()',
    ),

    /** Null when the file cannot be loaded (the log says why). Caller frees with modelFree after all contexts. */
    modelLoad: bind<[string, LlamaModelParams], P | null>(
      llama,
      'void *llama_model_load_from_file(const char *path, llama_model_params params)',
    ),
    modelFree: bind<[P], void>(llama, 'void llama_model_free(void *model)'),
    modelVocab: bind<[P], P>(llama, 'void *llama_model_get_vocab(void *model)'),
    modelWidth: bind<[P], number>(llama, 'int32_t llama_model_n_embd(void *model)'),
    modelSize: bind<[P], number>(llama, 'uint64_t llama_model_size(void *model)'),

    /** Null when memory is short (the log says why). Caller frees with contextFree. */
    contextNew: bind<[P, LlamaContextParams], P | null>(
      llama,
      'void *llama_init_from_model(void *model, llama_context_params params)',
    ),
    contextFree: bind<[P], void>(llama, 'void llama_free(void *ctx)'),

    /** Null when the file cannot be loaded or does not fit the model (the log says why). Freed with the model at the latest. */
    adapterLoad: bind<[P, string], P | null>(
      llama,
      'void *llama_adapter_lora_init(void *model, const char *path)',
    ),
    adapterFree: bind<[P], void>(llama, 'void llama_adapter_lora_free(void *adapter)'),
    /** The adapters of the next decodes, for all their rows; setting the same ones again costs nothing. */
    setAdapters: bind<[P, BigUint64Array | null, number, Float32Array | null], number>(
      llama,
      'int32_t llama_set_adapters_lora(void *ctx, uint64_t *adapters, size_t n_adapters, float *scales)',
    ),
    contextCells: bind<[P], number>(llama, 'uint32_t llama_n_ctx(void *ctx)'),
    attachThreadpool: bind<[P, P, P], void>(
      llama,
      'void llama_attach_threadpool(void *ctx, void *threadpool, void *threadpool_batch)',
    ),

    memory: bind<[P], P>(llama, 'void *llama_get_memory(void *ctx)'),
    /** Sequence ids that a unified cache can tell apart, whatever n_seq_max is. */
    maxSequences: bind<[], number>(llama, 'size_t llama_max_parallel_sequences()'),
    /** Positions p0 … p1 − 1. Adds to what the target holds; in a unified cache only tags are written. */
    memoryShare: bind<[P, number, number, number, number], void>(
      llama,
      'void llama_memory_seq_cp(void *memory, int32_t from, int32_t to, int32_t p0, int32_t p1)',
    ),
    /** p0 or p1 below 0 mean open ends. False only when part of a sequence cannot be removed. */
    memoryRemove: bind<[P, number, number, number], boolean>(
      llama,
      'bool llama_memory_seq_rm(void *memory, int32_t seq, int32_t p0, int32_t p1)',
    ),

    /**
     * 0 success · 1 no KV cells for the batch, state as before · 2 aborted, processed rows stay · −1 invalid batch, state
     * as before · below −1 fatal, processed rows stay. Blocks; call it on a worker.
     */
    decode: bind<[P, LlamaBatch], number>(llama, 'int32_t llama_decode(void *ctx, llama_batch batch)'),
    /** Row of n_vocab floats owned by the context, valid until its next decode; null for a row without output. */
    logits: bind<[P, number], P | null>(llama, 'void *llama_get_logits_ith(void *ctx, int32_t i)'),

    vocabTokens: bind<[P], number>(llama, 'int32_t llama_vocab_n_tokens(void *vocab)'),
    /** Spelling of a token, owned by the model; ids outside the vocabulary abort. Thread-safe. */
    vocabText: bind<[P, number], string>(
      llama,
      'const char *llama_vocab_get_text(void *vocab, int32_t token)',
    ),
    /** Count of ids, or minus the count needed when the buffer is short. Thread-safe. */
    tokenize: bind<[P, Uint8Array, number, Int32Array, number, boolean, boolean], number>(
      llama,
      'int32_t llama_tokenize(void *vocab, const uint8_t *text, int32_t text_len, _Out_ int32_t *tokens, int32_t n_max, bool add_special, bool parse_special)',
    ),
    /** Count of bytes, or minus the count needed. Thread-safe. */
    tokenToPiece: bind<[P, number, Uint8Array, number, number, boolean], number>(
      llama,
      'int32_t llama_token_to_piece(void *vocab, int32_t token, _Out_ uint8_t *buf, int32_t length, int32_t lstrip, bool special)',
    ),

    /** Caller frees the chain, which frees its members. */
    chainNew: bind<[SamplerChainParams], P>(
      llama,
      'void *llama_sampler_chain_init(llama_sampler_chain_params params)',
    ),
    chainAdd: bind<[P, P], void>(llama, 'void llama_sampler_chain_add(void *chain, void *sampler)'),
    samplerFree: bind<[P], void>(llama, 'void llama_sampler_free(void *sampler)'),
    /** Applies the chain to output row i of the last decode, selects and accepts a token. */
    samplerSample: bind<[P, P, number], number>(
      llama,
      'int32_t llama_sampler_sample(void *sampler, void *ctx, int32_t i)',
    ),
    /** Runs the chain over a llama_token_data_array, which says what was selected; nothing is remembered. */
    samplerApply: bind<[P, P], void>(llama, 'void llama_sampler_apply(void *sampler, void *cur_p)'),
    /** Has the chain remember a token. */
    samplerAccept: bind<[P, number], void>(llama, 'void llama_sampler_accept(void *sampler, int32_t token)'),
    greedy: bind<[], P>(llama, 'void *llama_sampler_init_greedy()'),
    distribution: bind<[number], P>(llama, 'void *llama_sampler_init_dist(uint32_t seed)'),
    topK: bind<[number], P>(llama, 'void *llama_sampler_init_top_k(int32_t k)'),
    topP: bind<[number, number], P>(llama, 'void *llama_sampler_init_top_p(float p, size_t min_keep)'),
    minP: bind<[number, number], P>(llama, 'void *llama_sampler_init_min_p(float p, size_t min_keep)'),
    temperature: bind<[number], P>(llama, 'void *llama_sampler_init_temp(float t)'),
    /** Copies the array of struct llama_logit_bias { int32_t token; float bias; }. */
    logitBias: bind<[number, number, Uint8Array], P>(
      llama,
      'void *llama_sampler_init_logit_bias(int32_t n_vocab, int32_t n_logit_bias, const uint8_t *logit_bias)',
    ),
    penalties: bind<[number, number, number, number, number], P>(
      llama,
      'void *llama_sampler_init_penalties(int32_t n_vocab, int32_t penalty_last_n, float penalty_repeat, float penalty_freq, float penalty_present)',
    ),
  } as const;
}

export type LlamaSymbols = ReturnType<typeof bindLlama>;

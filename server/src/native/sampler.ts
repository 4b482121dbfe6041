// A llama.cpp sampler chain for one sequence, in the order of Hugging Face's generate: bias, penalties, temperature, top-k, top-p,
// min-p, draw. Greedy when topK is 1 or the temperature 0. Whoever makes one closes it.
import type { LanguageModel } from './language-model.js';
import type { Pointer } from './symbols/structs.js';

export interface SamplerSettings {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly frequencyPenalty: number;
  readonly presencePenalty: number;
  readonly logitBias: readonly { readonly token: number; readonly bias: number }[];
  /** u32, from which all draws of the sequence follow. */
  readonly seed: number;
  /** Positions that the penalties look back over: the whole context. */
  readonly contextTokens: number;
}

const RANDOM_SEED = 0xffffffff;

export class Sampler {
  /** Only for decoder.ts. */
  readonly pointer: Pointer;
  readonly #model: LanguageModel;
  #isOpen = true;

  constructor(model: LanguageModel, settings: SamplerSettings) {
    const { llama } = model.runtime;
    this.#model = model;
    this.pointer = llama.chainNew({ no_perf: true });
    const add = (sampler: Pointer) => llama.chainAdd(this.pointer, sampler);
    const { logitBias, repetitionPenalty, frequencyPenalty, presencePenalty } = settings;
    if (logitBias.length > 0)
      add(llama.logitBias(model.vocabularySize, logitBias.length, biasArray(logitBias)));
    if (repetitionPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0) {
      const { vocabularySize } = model;
      const { contextTokens } = settings;
      add(
        llama.penalties(vocabularySize, contextTokens, repetitionPenalty, frequencyPenalty, presencePenalty),
      );
    }
    if (settings.topK === 1 || settings.temperature === 0) {
      add(llama.greedy());
      return;
    }
    if (settings.temperature !== 1) add(llama.temperature(settings.temperature));
    if (settings.topK < model.vocabularySize) add(llama.topK(settings.topK));
    if (settings.topP < 1) add(llama.topP(settings.topP, 1));
    if (settings.minP > 0) add(llama.minP(settings.minP, 1));
    // llama.cpp takes the largest seed (LLAMA_DEFAULT_SEED) for the wish to choose one by itself.
    add(llama.distribution(settings.seed === RANDOM_SEED ? 0 : settings.seed));
  }

  /** Remembers a token that was selected tentatively. Not while a decode runs. */
  accept(token: number): void {
    this.#model.runtime.llama.samplerAccept(this.pointer, token);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#model.runtime.llama.samplerFree(this.pointer);
  }
}

/** struct llama_logit_bias { int32_t token; float bias; }, one after the other. */
function biasArray(biases: SamplerSettings['logitBias']): Uint8Array {
  const ENTRY_BYTES = 8;
  const bytes = Buffer.alloc(biases.length * ENTRY_BYTES);
  for (const [index, { token, bias }] of biases.entries()) {
    bytes.writeInt32LE(token, index * ENTRY_BYTES);
    bytes.writeFloatLE(bias, index * ENTRY_BYTES + 4);
  }
  return bytes;
}

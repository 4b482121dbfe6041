// A llama.cpp sampler chain for one sequence, in the order of Hugging Face's generate: repetition penalty, temperature,
// top-k, top-p, draw. Greedy when topK is 1 or the temperature 0. Whoever makes one closes it.
import type { LanguageModel } from './language-model.js';
import type { Pointer } from './symbols/structs.js';

export interface SamplerSettings {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly repetitionPenalty: number;
  /** u32, from which all draws of the sequence follow. */
  readonly seed: number;
  /** Positions that the penalty looks back over: the whole context. */
  readonly contextTokens: number;
}

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
    if (settings.repetitionPenalty !== 1) {
      add(llama.penalties(model.vocabularySize, settings.contextTokens, settings.repetitionPenalty, 0, 0));
    }
    if (settings.topK === 1 || settings.temperature === 0) {
      add(llama.greedy());
      return;
    }
    if (settings.temperature !== 1) add(llama.temperature(settings.temperature));
    if (settings.topK < model.vocabularySize) add(llama.topK(settings.topK));
    if (settings.topP < 1) add(llama.topP(settings.topP, 1));
    add(llama.distribution(settings.seed));
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

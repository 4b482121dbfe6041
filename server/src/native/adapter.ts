// A LoRA adapter beside a loaded model: its matrices in memory, applied to the decodes that ask for it (decoder.ts). Freed before its
// model.
import { NativeError } from '../errors.js';
import type { LanguageModel } from './language-model.js';
import { onWorker } from './symbols/bind.js';
import type { Pointer } from './symbols/structs.js';

export class LoraAdapter {
  /** Only for decoder.ts. */
  readonly pointer: Pointer;
  readonly #model: LanguageModel;
  #isOpen = true;

  private constructor(model: LanguageModel, pointer: Pointer) {
    this.#model = model;
    this.pointer = pointer;
  }

  /** Loads a GGUF adapter off the JavaScript thread. @throws NativeError native.call_failed; the native log says why */
  static async load(model: LanguageModel, file: string): Promise<LoraAdapter> {
    const pointer = await onWorker(model.runtime.llama.adapterLoad, model.pointer, file);
    if (pointer === null)
      throw new NativeError(
        'native.call_failed',
        `llama_adapter_lora_init cannot load ${file}; the log lines above say why. An adapter fits the model that it was trained on.`,
      );
    return new LoraAdapter(model, pointer);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#model.runtime.llama.adapterFree(this.pointer);
  }
}

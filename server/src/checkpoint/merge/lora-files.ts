// The files of an original LLaVA LoRA checkpoint: an adapter of PEFT beside a LLaVA's config.json and what was trained whole.
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../adapter/adapter-files.js';
import { chooseWeights } from '../source/weight-choice.js';

/** The projector, as a rule; the reference loads it before it merges. */
export const NON_LORA_FILE = 'non_lora_trainables.bin';

/** Whether the folder is one, or the greater part of one. Whole weights beside an adapter are a model without it. */
export function isLoraCheckpoint(names: readonly string[]): boolean {
  if (chooseWeights(names) !== undefined) return false;
  return (
    [ADAPTER_CONFIG, 'config.json'].every((name) => names.includes(name)) && adapterFile(names) !== undefined
  );
}

/** The file of the LoRA matrices: the one that PEFT reads where there are two. */
export const adapterFile = (names: readonly string[]) => ADAPTER_WEIGHTS.find((name) => names.includes(name));

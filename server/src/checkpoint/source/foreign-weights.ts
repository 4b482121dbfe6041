// Weights in a form that is not this program's, told by names and shapes of the tensors, so that one sentence says what they are and what
// to do, instead of a list of what is missing.
import type { CheckpointError } from '../../errors.js';
import { VIP_LLAVA } from './architecture.js';
import { listNames, unsupported } from '../failures.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import type { LlavaConfig } from './config-schema.js';
import { isQuantisedName, quantised } from './quantised-weights.js';

interface Symptom {
  readonly matches: (tensor: StoredTensor) => boolean;
  readonly explain: (names: string) => string;
}

const SYMPTOMS: readonly Symptom[] = [
  {
    matches: ({ name }) => /\.(?:lora_[AB]|lora_embedding_[AB]|base_layer|modules_to_save)\./.test(name),
    explain: (names) =>
      `The tensors hold LoRA adapters beside the weights they belong to (${names}). Merge them (merge_and_unload of PEFT), save the model and load the result.`,
  },
  {
    matches: ({ name }) => /\.(?:projector_layernorm|clip_layernorm|mm_projector\.final_linear)\./.test(name),
    explain: (names) => `The tensors are those of ViP-LLaVA (${names}): ${VIP_LLAVA}.`,
  },
  {
    matches: ({ name }) => /\.(?:self_attn\.qkv_proj|mlp\.gate_up_proj)\.weight$/.test(name),
    explain: (names) =>
      `The tensors have the fused projections of Phi-3 (${names}). Load a LLaVA-Phi-3 with Llama names (xtuner/llava-phi-3-mini-hf).`,
  },
];

/** What the weights are when they are nothing that can be mapped; undefined when nothing speaks against them. */
export function explainForeignWeights(
  tensors: ReadonlyMap<string, StoredTensor>,
  config: LlavaConfig,
  folder: string,
): CheckpointError | undefined {
  if ([...tensors.keys()].some(isQuantisedName)) return quantised(config, folder);
  for (const { matches, explain } of SYMPTOMS) {
    const found = [...tensors.values()].filter(matches);
    if (found.length > 0)
      return unsupported(
        folder,
        explain(
          listNames(
            found.map(({ name }) => name),
            2,
          ),
        ),
      );
  }
  return undefined;
}

// Decides what a checkpoint is from its configuration and the names of its files, and says in a sentence what it is when it is
// something else: nothing is guessed from the repository's name unless nothing else tells (delta weights).
import { unsupported } from '../failures.js';
import type { LlavaConfig } from './config-schema.js';
import type { TextFamily } from './text-hyperparameters.js';

export interface Recognised {
  readonly layout: 'original' | 'hub';
  readonly architecture: 'LlavaLlamaForCausalLM' | 'LlavaMistralForCausalLM';
  readonly family: TextFamily;
  /** LLaVA 1.6 in transformers' layout. */
  readonly isNext: boolean;
}

const SUPPORTED =
  'Supported are LlavaLlamaForCausalLM and LlavaMistralForCausalLM (original layout), LlavaForConditionalGeneration and LlavaNextForConditionalGeneration over Llama or Mistral, and GGUF pairs.';

/** A sentence without its beginning and end, for all places where one is recognised. */
export const VIP_LLAVA =
  'its projector takes the features of five layers of the tower, which is another network. Serve it with transformers (VipLlavaForConditionalGeneration), or load a LLaVA 1.5 (liuhaotian/llava-v1.5-7b)';

/** Why known relatives do not load. */
const RELATIVES: readonly (readonly [RegExp, string])[] = [
  [/^llavampt/i, 'a LLaVA over MPT, whose language model is not of the Llama family'],
  [/^llavaqwen/i, 'a LLaVA over Qwen, whose language model is not of the Llama family'],
  [/^llavagemma/i, 'a LLaVA over Gemma, whose language model is not of the Llama family'],
  [
    /^llava_?phi/i,
    'a LLaVA over Phi, whose own weights have fused projections; xtuner publishes its LLaVA-Phi-3 with Llama names, too (llava-phi-3-mini-hf)',
  ],
  [/^vip_?llava/i, `ViP-LLaVA, and ${VIP_LLAVA}`],
  [/^llavaonevision/i, 'LLaVA-OneVision, which has a SigLIP tower and a Qwen language model'],
  [/^(llama|mistral)forcausallm$/i, 'a plain language model without a vision tower'],
  [/^clip/i, 'a CLIP model on its own: the vision tower of a LLaVA, not a LLaVA'],
];

/** @throws CheckpointError checkpoint.unsupported */
export function recognise(config: LlavaConfig, folderName: string, file: string): Recognised {
  validateNoDelta(folderName, file);
  const [name = '(none)'] = config.architectures ?? [];
  switch (name.toLowerCase()) {
    case 'llavallamaforcausallm':
      validateOriginalTower(config, file);
      return { layout: 'original', architecture: 'LlavaLlamaForCausalLM', family: 'llama', isNext: false };
    case 'llavamistralforcausallm':
      validateOriginalTower(config, file);
      return {
        layout: 'original',
        architecture: 'LlavaMistralForCausalLM',
        family: 'mistral',
        isNext: false,
      };
    case 'llavaforconditionalgeneration':
      return { layout: 'hub', ...hubFamily(config, file), isNext: false };
    case 'llavanextforconditionalgeneration':
      return { layout: 'hub', ...hubFamily(config, file), isNext: true };
  }
  const relative = RELATIVES.find(([pattern]) => pattern.test(name));
  const what = relative?.[1] ?? 'not a LLaVA that is known here';
  throw unsupported(file, `The architecture is ${name}: ${what}. ${SUPPORTED}`);
}

/** What a folder without complete weights is, from its file names; undefined when nothing explains it. */
export function explainMissingWeights(fileNames: readonly string[]): string | undefined {
  const has = (pattern: RegExp) => fileNames.some((name) => pattern.test(name));
  if (has(/^adapter_(config\.json|model\.)/)) {
    if (!has(/^adapter_model\.(safetensors|bin)$/) || !has(/^adapter_config\.json$/))
      return 'This holds a part of LoRA adapters: there must be an adapter_config.json and its matrices, adapter_model.safetensors or adapter_model.bin.';
    return 'This holds LoRA adapters only, without config.json and non_lora_trainables.bin of a LoRA checkpoint of LLaVA. Name the model that adapter_config.json names as base_model_name_or_path as model_name, and this folder under loras.';
  }
  if (has(/^zero_to_fp32\.py$|^global_step\d+$|^zero_pp_rank_/))
    return 'This holds a checkpoint of DeepSpeed, whose weights lie in partitions. Run its zero_to_fp32.py (python zero_to_fp32.py . .) and load the result.';
  if (has(/^mm_projector\.bin$/)) {
    return 'This holds a projector only (a "pretrain" repository). Load the finished LLaVA model that was trained from it.';
  }
  return undefined;
}

function validateOriginalTower(config: LlavaConfig, file: string): void {
  if (config.s2 === true)
    throw unsupported(
      file,
      's2 is true: multi-scale (S²) vision towers are not supported. Use a checkpoint without S².',
    );
  const name = config.mm_vision_tower ?? config.vision_tower ?? '';
  if (/^clip_\d+layers?_/i.test(name))
    throw unsupported(file, `mm_vision_tower is ${name}: this is ViP-LLaVA, and ${VIP_LLAVA}.`);
  if (/siglip/i.test(name))
    throw unsupported(file, `mm_vision_tower is ${name}: SigLIP towers are not supported, only CLIP.`);
}

function hubFamily(config: LlavaConfig, file: string): Pick<Recognised, 'architecture' | 'family'> {
  const text = config.text_config?.model_type ?? 'llama';
  const vision = config.vision_config?.model_type ?? 'clip_vision_model';
  if (vision !== 'clip_vision_model')
    throw unsupported(
      file,
      `The vision tower is ${vision}; only CLIP towers are supported (not SigLIP or Pixtral).`,
    );
  if (text === 'llama') return { architecture: 'LlavaLlamaForCausalLM', family: 'llama' };
  if (text === 'mistral') return { architecture: 'LlavaMistralForCausalLM', family: 'mistral' };
  if (text === 'phi3')
    throw unsupported(
      file,
      `The language model is phi3, with weights of its own form (fused projections). Load a LLaVA-Phi-3 with Llama names, whose text_config says llama (xtuner/llava-phi-3-mini-hf). ${SUPPORTED}`,
    );
  throw unsupported(
    file,
    `The language model is ${text}; only llama and mistral are supported. ${SUPPORTED}`,
  );
}

/** By name only: merged weights look the same, and their `_name_or_path` may still name the delta they were made from. */
function validateNoDelta(folderName: string, file: string): void {
  if (!/(^|[-_/])delta([-_/]|$)/i.test(folderName)) return;
  throw unsupported(
    file,
    `${folderName} holds delta weights, to be added to the original LLaMA. Apply them first (python -m llava.model.apply_delta) and load the result; rename the folder if this is the result.`,
  );
}

// config.json of a LLaVA checkpoint, original layout or transformers' own: the keys that matter for inference, every number
// within bounds that real models stay far below. Keys this file does not know are ignored, as training leaves dozens.
import { z } from 'zod';
import { TEMPLATE_NAMES } from '../../model/description.js';

/** Widest published: 28,672 (feed forward of a 70B model), 256,000 rows of vocabulary. */
const dimension = z
  .int()
  .min(1)
  .max(2 ** 21);
/** Deepest published: 126 layers. */
const layerCount = z.int().min(1).max(1024);
/** Negative ones name no token: -1 is what conversions write for none. */
const tokenId = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31);
const tokenIds = z.union([tokenId, z.array(tokenId).max(64)]);

const ropeSchema = z.object({
  type: z.string().nullish(),
  rope_type: z.string().nullish(),
  factor: z.number().positive().nullish(),
  rope_theta: z.number().positive().nullish(),
  low_freq_factor: z.number().positive().nullish(),
  high_freq_factor: z.number().positive().nullish(),
  original_max_position_embeddings: z.int().positive().nullish(),
  attention_factor: z.number().positive().nullish(),
  beta_fast: z.number().min(0).nullish(),
  beta_slow: z.number().min(0).nullish(),
  mscale: z.number().min(0).nullish(),
  mscale_all_dim: z.number().min(0).nullish(),
  truncate: z.boolean().nullish(),
});
export type RopeConfig = z.infer<typeof ropeSchema>;

const textShape = {
  model_type: z.string().nullish(),
  hidden_size: dimension.nullish(),
  intermediate_size: dimension.nullish(),
  num_hidden_layers: layerCount.nullish(),
  num_attention_heads: dimension.nullish(),
  num_key_value_heads: dimension.nullish(),
  head_dim: dimension.nullish(),
  hidden_act: z.string().nullish(),
  rms_norm_eps: z.number().positive().nullish(),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
  max_position_embeddings: z.int().min(1).nullish(),
  original_max_position_embeddings: z.int().min(1).nullish(),
  sliding_window: z.int().min(1).nullish(),
  vocab_size: dimension.nullish(),
  bos_token_id: tokenIds.nullish(),
  eos_token_id: tokenIds.nullish(),
  tie_word_embeddings: z.boolean().nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  quantization_config: z.object({ quant_method: z.string().nullish() }).nullish(),
};
const textConfigSchema = z.object(textShape);
export type TextConfig = z.infer<typeof textConfigSchema>;

const clipConfigSchema = z.object({
  model_type: z.string().nullish(),
  hidden_size: dimension.nullish(),
  intermediate_size: dimension.nullish(),
  num_hidden_layers: layerCount.nullish(),
  num_attention_heads: dimension.nullish(),
  image_size: dimension.nullish(),
  patch_size: dimension.nullish(),
  hidden_act: z.string().nullish(),
  layer_norm_eps: z.number().positive().nullish(),
});
export type ClipConfig = z.infer<typeof clipConfigSchema>;

/** A CLIP repository's config.json: the vision part at the top or nested. */
export const towerConfigSchema = clipConfigSchema.extend({ vision_config: clipConfigSchema.nullish() });

export const preprocessorSchema = z.object({
  image_mean: z.tuple([z.number(), z.number(), z.number()]).nullish(),
  image_std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]).nullish(),
});

/** A list of [width, height], or text that spells one. */
const pinpoints = z.union([z.string().max(4096), z.array(z.tuple([dimension, dimension])).max(1024)]);

export const configSchema = z.object({
  ...textShape,
  architectures: z.array(z.string()).nullish(),
  _name_or_path: z.string().nullish(),
  /** A key of ours that any checkpoint may carry: the conversation template it was trained with. */
  conversation_template: z.enum(TEMPLATE_NAMES).nullish(),

  // Original layout.
  mm_vision_tower: z.string().max(1024).nullish(),
  vision_tower: z.string().max(1024).nullish(),
  mm_projector_type: z.string().nullish(),
  mm_vision_select_layer: z.int().nullish(),
  mm_vision_select_feature: z.string().nullish(),
  mm_patch_merge_type: z.string().nullish(),
  image_aspect_ratio: z.string().nullish(),
  image_grid_pinpoints: pinpoints.nullish(),
  mm_use_im_start_end: z.boolean().nullish(),
  mm_use_im_patch_token: z.boolean().nullish(),
  unfreeze_mm_vision_tower: z.boolean().nullish(),
  mm_tunable_parts: z.string().nullish(),
  /** Infinity is how Python writes that there is no limit. */
  tokenizer_model_max_length: z.union([z.number().positive(), z.literal(Infinity)]).nullish(),
  s2: z.boolean().nullish(),

  // transformers' layout.
  text_config: textConfigSchema.nullish(),
  vision_config: clipConfigSchema.nullish(),
  vision_feature_layer: z.union([z.int(), z.array(z.int())]).nullish(),
  vision_feature_select_strategy: z.string().nullish(),
  projector_hidden_act: z.string().nullish(),
  multimodal_projector_bias: z.boolean().nullish(),
});
export type LlavaConfig = z.infer<typeof configSchema>;

// The small JSON files around a tokenizer: tokenizer_config.json, special_tokens_map.json, added_tokens.json and
// generation_config.json. All are optional in published checkpoints.
import { z } from 'zod';

const tokenId = z
  .int()
  .min(0)
  .max(2 ** 31);
const content = z.string().min(1).max(4096);
const tokenSchema = z.object({
  content,
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  special: z.boolean().default(false),
});

/** A token named by its spelling alone or with its flags. */
const namedToken = z
  .union([content, z.looseObject({ content })])
  .transform((value) => (typeof value === 'string' ? value : value.content))
  .nullish();

const specialNames = {
  bos_token: namedToken,
  eos_token: namedToken,
  unk_token: namedToken,
  pad_token: namedToken,
};

export const tokenizerConfigSchema = z.object({
  ...specialNames,
  legacy: z.boolean().nullish(),
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
  add_prefix_space: z.boolean().nullish(),
  added_tokens_decoder: z.record(z.string().regex(/^\d{1,9}$/), tokenSchema).nullish(),
  additional_special_tokens: z.array(namedToken).nullish(),
});
export type TokenizerConfig = z.infer<typeof tokenizerConfigSchema>;

export const specialTokensMapSchema = z.object({
  ...specialNames,
  additional_special_tokens: z.array(namedToken).nullish(),
});
export type SpecialTokensMap = z.infer<typeof specialTokensMapSchema>;

export const addedTokensSchema = z.record(z.string(), tokenId);

export const generationConfigSchema = z.object({
  eos_token_id: z.union([tokenId, z.array(tokenId).max(64)]).nullish(),
});

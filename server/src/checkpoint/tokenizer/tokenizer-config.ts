// The small JSON files around a tokenizer: tokenizer_config.json, special_tokens_map.json, added_tokens.json and
// generation_config.json. All are optional in published checkpoints, and conversions leave odd values in them, which name no token.
import { z } from 'zod';

/** Negative ones name no token: -1 is what conversions write for none. */
const tokenId = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31);
const content = z.string().max(4096);
const tokenSchema = z.object({
  content,
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  special: z.boolean().default(false),
});

const oneToken = z.union([content, z.looseObject({ content }), z.int()]);
/** A token named by its spelling alone or with its flags; in some files a list of them, or a number. */
const namedToken = z.union([oneToken, z.array(oneToken).max(64)]).nullish();
type NamedToken = z.infer<typeof namedToken>;

/** The spellings that name a token: none of an empty text, of a number, or of null. */
export function spellingsOf(token: NamedToken): string[] {
  if (Array.isArray(token)) return token.flatMap(spellingsOf);
  const spelling = typeof token === 'object' && token !== null ? token.content : token;
  return typeof spelling === 'string' && spelling !== '' ? [spelling] : [];
}

/** What is odd about a token's name and was taken all the same, to follow the key; undefined when nothing is. */
export function oddityOf(token: NamedToken): string | undefined {
  if (token === null || token === undefined) return undefined;
  if (Array.isArray(token)) return `is a list of ${token.length}; every token in it counts`;
  if (typeof token === 'number') return `is ${token}, which is no spelling; it names no token`;
  return spellingsOf(token).length === 0 ? 'is empty; it names no token' : undefined;
}

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

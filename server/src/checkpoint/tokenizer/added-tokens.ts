// Tokens beside the normal pieces, from all the places where checkpoints name them. Follows transformers' slow tokenizer (4.37,
// tokenization_utils_base.py): added_tokens_decoder says everything; without it, added_tokens.json gives ids, and only tokens
// that another file names as bos, eos, unk, pad or additional are special.
import type { AddedToken } from '../../model/description.js';
import { malformed } from '../failures.js';
import { spellingsOf, type SpecialTokensMap, type TokenizerConfig } from './tokenizer-config.js';

/** Tokens that LLaVA adds in code when it loads a model, in this order (llava/model/builder.py). */
const PATCH_TOKEN = '<im_patch>';
const START_END_TOKENS = ['<im_start>', '<im_end>'] as const;

interface AddedTokenSources {
  readonly config: TokenizerConfig;
  readonly specialTokens: SpecialTokensMap;
  /** added_tokens.json: spelling to id. */
  readonly addedTokens: Readonly<Record<string, number>>;
  /** Special tokens of the vocabulary itself: control and unknown pieces, or what tokenizer.json lists. */
  readonly own: readonly AddedToken[];
  /** Id of a spelling in the vocabulary itself. */
  readonly idOf: (content: string) => number | undefined;
}

/** Added and special tokens by id, ascending. */
export function mergeAddedTokens(sources: AddedTokenSources): AddedToken[] {
  const { config, addedTokens, own, idOf } = sources;
  const special = specialSpellings(sources);
  const byId = new Map(own.map((token) => [token.id, token]));
  for (const [content, id] of Object.entries(addedTokens)) {
    if (content !== '' && id >= 0)
      byId.set(id, plainToken(id, content, special.has(content) || isSpecialOwn(byId, id, content)));
  }
  for (const content of special) {
    const id = idOf(content);
    if (id !== undefined && !byId.has(id)) byId.set(id, plainToken(id, content, true));
  }
  for (const [id, entry] of Object.entries(config.added_tokens_decoder ?? {})) {
    if (entry.content === '') continue;
    byId.set(Number(id), { ...entry, id: Number(id), special: entry.special || special.has(entry.content) });
  }
  // One spelling can mean one id only: the lowest, which is the trained one.
  const spellings = new Set<string>();
  return [...byId.values()]
    .sort((a, b) => a.id - b.id)
    .filter(({ content }) => !spellings.has(content) && spellings.add(content));
}

/**
 * The tokens that LLaVA's loader adds to the tokenizer, where they are not there yet and rows are left for them. A row without
 * trained weights is of no use, so a missing patch token is no fault; start and end tokens are.
 */
export function addLlavaTokens(
  tokens: readonly AddedToken[],
  tokenCount: number,
  rows: number,
  wanted: { readonly patch: boolean; readonly startEnd: boolean },
  file: string,
): AddedToken[] {
  const all = [...tokens];
  let nextId = tokenCount;
  const add = (content: string) => {
    if (all.some((token) => token.content === content)) return true;
    if (nextId >= rows) return false;
    all.push(plainToken(nextId, content, true));
    nextId += 1;
    return true;
  };
  if (wanted.patch) add(PATCH_TOKEN);
  if (wanted.startEnd && !START_END_TOKENS.map(add).every(Boolean)) {
    throw malformed(
      file,
      `mm_use_im_start_end is true, but neither the tokenizer nor the ${rows} embedding rows have room for ${START_END_TOKENS.join(' and ')}.`,
    );
  }
  return all;
}

function specialSpellings({ config, specialTokens }: AddedTokenSources): Set<string> {
  const spellings = [config, specialTokens].flatMap((source) => [
    source.bos_token,
    source.eos_token,
    source.unk_token,
    source.pad_token,
    ...(source.additional_special_tokens ?? []),
  ]);
  return new Set(spellings.flatMap(spellingsOf));
}

function isSpecialOwn(byId: ReadonlyMap<number, AddedToken>, id: number, content: string): boolean {
  const token = byId.get(id);
  return token?.special === true && token.content === content;
}

function plainToken(id: number, content: string, special: boolean): AddedToken {
  return { id, content, special, lstrip: false, rstrip: false };
}

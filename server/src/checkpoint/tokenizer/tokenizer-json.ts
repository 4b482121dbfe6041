// tokenizer.json, the format of Hugging Face's tokenizers library, for the two kinds of vocabularies that LLaVA checkpoints have in
// it: Llama 3's byte-level BPE, and SentencePiece models rewritten as BPE with byte fallback. Other kinds are refused by name.
import { z } from 'zod';
import { malformed, unsupported } from '../failures.js';
import { parseJson } from '../files/json-file.js';
import type { BaseVocabulary } from './base-vocabulary.js';
import { PIECE_TYPE, type SentencePiece } from './sentencepiece.js';

const tokenSchema = z.object({
  id: z
    .int()
    .min(0)
    .max(2 ** 31),
  content: z.string().min(1).max(4096),
  special: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
});
const partSchema = z.looseObject({ type: z.string() });
const templateItem = z.looseObject({ SpecialToken: z.looseObject({ id: z.string() }).optional() });

const tokenizerSchema = z.object({
  added_tokens: z.array(tokenSchema).default([]),
  normalizer: partSchema.extend({ normalizers: z.array(partSchema).optional() }).nullish(),
  pre_tokenizer: partSchema
    .extend({
      prepend_scheme: z.string().optional(),
      add_prefix_space: z.boolean().optional(),
      pretokenizers: z
        .array(partSchema.extend({ pattern: z.looseObject({ Regex: z.string().optional() }).optional() }))
        .optional(),
    })
    .nullish(),
  post_processor: partSchema
    .extend({
      single: z.array(templateItem).optional(),
      processors: z.array(partSchema.extend({ single: z.array(templateItem).optional() })).optional(),
    })
    .nullish(),
  model: z.object({
    type: z.string(),
    unk_token: z.string().nullish(),
    byte_fallback: z.boolean().nullish(),
    // Hundreds of thousands of entries each: checked by loops below, which is many times faster than a schema.
    vocab: z.custom<object>((value) => typeof value === 'object' && value !== null),
    merges: z.array(z.unknown()),
  }),
});
type TokenizerJson = z.infer<typeof tokenizerSchema>;

/** How Llama 3 cuts text, and llama.cpp's name for it. */
const LLAMA_3_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const LLAMA_3_PRE = 'llama-bpe';
/** Ids beyond this have no row in any embedding. */
const MAX_ID = 2 ** 22;
const BYTE_PIECE = /^<0x[0-9A-F]{2}>$/;

/** @throws CheckpointError checkpoint.malformed, checkpoint.unsupported */
export function parseTokenizerJson(bytes: Uint8Array, file: string): BaseVocabulary {
  const json = parseJson(bytes, file, tokenizerSchema);
  if (json.model.type !== 'BPE')
    throw unsupported(file, `The tokenizer's model is ${json.model.type}; only BPE is supported.`);
  const isSentencePiece = json.model.byte_fallback === true;
  const merges = json.model.merges.map((merge) => mergeText(merge, file));
  const pieces = piecesOf(json, isSentencePiece ? scoresByMerge(merges) : new Map(), file);
  return {
    kind: isSentencePiece ? 'sentencepiece' : 'bpe',
    pre: isSentencePiece ? 'default' : preOf(json, file),
    pieces,
    merges: isSentencePiece ? null : merges,
    addsDummyPrefix: isSentencePiece && addsPrefix(json),
    removesExtraWhitespace: false,
    addsBosByDefault: startsWithSpecial(json),
    own: json.added_tokens,
    warnings: [],
  };
}

function piecesOf(
  { model, added_tokens }: TokenizerJson,
  scores: ReadonlyMap<string, number>,
  file: string,
): (SentencePiece | undefined)[] {
  const pieces: (SentencePiece | undefined)[] = [];
  const special = new Set(added_tokens.filter((token) => token.special).map((token) => token.content));
  const lowest = -scores.size;
  for (const [text, id] of Object.entries<unknown>({ ...model.vocab })) {
    if (
      typeof id !== 'number' ||
      !(id >= 0 && id < MAX_ID) ||
      !Number.isInteger(id) ||
      pieces[id] !== undefined
    )
      throw malformed(
        file,
        `The token ${JSON.stringify(text)} has id ${String(id)}, which is taken or absurd.`,
      );
    if (text === '') throw malformed(file, `The token with id ${id} is empty.`);
    pieces[id] = {
      text,
      // A piece that no merge makes is a single character: after all merges, in order of id.
      score: scores.get(text) ?? lowest - id,
      type: typeOf(text, text === model.unk_token, special.has(text)),
    };
  }
  return pieces;
}

const mergePair = z.tuple([z.string(), z.string()]);

/** "a b" in older files, ["a", "b"] in newer ones. */
function mergeText(merge: unknown, file: string): string {
  if (typeof merge === 'string') return merge;
  const pair = mergePair.safeParse(merge);
  if (pair.success) return pair.data.join(' ');
  throw malformed(file, `A merge is ${JSON.stringify(merge)}; expected two pieces.`);
}

function typeOf(text: string, isUnknown: boolean, isSpecial: boolean): number {
  if (isUnknown) return PIECE_TYPE.unknown;
  if (isSpecial) return PIECE_TYPE.control;
  return BYTE_PIECE.test(text) ? PIECE_TYPE.byte : PIECE_TYPE.normal;
}

/** SentencePiece prefers the piece of the highest score; the first merge that makes a piece has its rank. */
function scoresByMerge(merges: readonly string[]): ReadonlyMap<string, number> {
  const scores = new Map<string, number>();
  for (const [rank, merge] of merges.entries()) {
    const text = merge.replace(' ', '');
    if (!scores.has(text)) scores.set(text, 0 - rank);
  }
  return scores;
}

function preOf({ pre_tokenizer }: TokenizerJson, file: string): string {
  const patterns = (pre_tokenizer?.pretokenizers ?? []).flatMap(({ pattern }) => pattern?.Regex ?? []);
  if (patterns.length === 1 && patterns[0] === LLAMA_3_PATTERN) return LLAMA_3_PRE;
  throw unsupported(
    file,
    "The tokenizer cuts text in a way that is not known here; byte-level BPE as Llama 3's and SentencePiece models are supported.",
  );
}

function addsPrefix({ normalizer, pre_tokenizer }: TokenizerJson): boolean {
  const normalizers =
    normalizer?.normalizers ?? (normalizer === null || normalizer === undefined ? [] : [normalizer]);
  if (normalizers.some(({ type }) => type === 'Prepend')) return true;
  if (pre_tokenizer?.type !== 'Metaspace') return false;
  return pre_tokenizer.prepend_scheme === undefined
    ? (pre_tokenizer.add_prefix_space ?? true)
    : pre_tokenizer.prepend_scheme !== 'never';
}

/** Whether the post-processor puts a special token in front of a text. */
function startsWithSpecial({ post_processor }: TokenizerJson): boolean {
  const processors =
    post_processor?.processors ??
    (post_processor === null || post_processor === undefined ? [] : [post_processor]);
  return processors.some(({ single }) => single?.[0]?.SpecialToken !== undefined);
}

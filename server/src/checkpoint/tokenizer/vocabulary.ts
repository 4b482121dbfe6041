// The vocabulary as GGUF stores it: one text, score and type for every row of the embedding, whether or not a token exists
// there. Rows beyond the tokenizer become unused entries `[PADn]`, as llama.cpp's converter names them.
import type { AddedToken } from '../../model/description.js';
import { malformed } from '../failures.js';
import type { BaseVocabulary } from './base-vocabulary.js';
import { PIECE_TYPE, type SentencePiece } from './sentencepiece.js';

export interface Vocabulary {
  /** `tokenizer.ggml.model`: llama is SentencePiece, gpt2 is byte-level BPE. */
  readonly model: 'llama' | 'gpt2';
  /** `tokenizer.ggml.pre`: how text is cut before merging. */
  readonly pre: string;
  readonly tokens: readonly string[];
  readonly scores: readonly number[];
  readonly types: readonly number[];
  /** BPE merges in order of rank; null for SentencePiece. */
  readonly merges: readonly string[] | null;
}

/** Scores of entries that no merge may produce; llama.cpp's converter uses the same values. */
const ADDED_SCORE = -1000;
const UNUSED_SCORE = -10_000;
/** llama.cpp matches pieces of these types in plain text. */
const TEXT_TYPES: readonly number[] = [PIECE_TYPE.normal, PIECE_TYPE.userDefined];

/**
 * Pieces, then added tokens over them, then padding up to `rows`.
 * Added tokens are stored as control tokens, special or not: then no text of a user can spell them. Which of them are printed
 * in answers is kept in the model's description.
 * @throws CheckpointError checkpoint.malformed when a piece has no row or occurs twice
 */
export function buildVocabulary(
  base: BaseVocabulary,
  added: readonly AddedToken[],
  rows: number,
  file: string,
): Vocabulary {
  const { pieces, kind, pre, merges } = base;
  if (pieces.length > rows)
    throw malformed(file, `The tokenizer has ${pieces.length} pieces, the embedding only ${rows} rows.`);
  const entries: (SentencePiece | undefined)[] = [...pieces];
  const texts = pieces.flatMap((piece) => (piece === undefined ? [] : [piece.text]));
  const taken = new Set(texts);
  if (taken.size !== texts.length) throw malformed(file, 'A piece occurs twice.');
  for (const token of added) {
    const existing = pieces[token.id];
    if (existing?.text === token.content && !TEXT_TYPES.includes(existing.type)) continue;
    // The same spelling under two ids would abort llama.cpp; the later row stays unused.
    if (existing?.text !== token.content && taken.has(token.content)) continue;
    taken.add(token.content);
    entries[token.id] = { text: token.content, score: ADDED_SCORE, type: PIECE_TYPE.control };
  }
  const complete = Array.from({ length: rows }, (_, id) => entries[id] ?? unusedEntry(id, taken));
  return {
    model: kind === 'bpe' ? 'gpt2' : 'llama',
    pre,
    tokens: complete.map((entry) => entry.text),
    scores: complete.map((entry) => entry.score),
    types: complete.map((entry) => entry.type),
    merges,
  };
}

/** `[PADn]`, with more brackets if a real token is spelled like that. */
function unusedEntry(id: number, taken: ReadonlySet<string>): SentencePiece {
  let text = `[PAD${id}]`;
  while (taken.has(text)) text = `[${text}]`;
  return { text, score: UNUSED_SCORE, type: PIECE_TYPE.unused };
}

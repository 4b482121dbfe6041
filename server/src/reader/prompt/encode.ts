// Pieces to token ids and image slots. Owns the rules that decide where SentencePiece's dummy prefix (a space in front) goes:
// every stretch between images is tokenised on its own, and inside a stretch the `legacy` setting decides whether text after
// a token outside the vocabulary gets a prefix again, and which blanks a model that removes extra ones never sees. Follows
// haotian-liu/LLaVA c121f043, llava/mm_utils.py (tokenizer_image_token) over transformers' slow LlamaTokenizer; docs/llava.md,
// section 7, explains both.
import type { AddedToken } from '../../model/description.js';
import { toTokenId, type TokenId } from '../ids.js';
import type { PromptPiece } from './pieces.js';
import type { Tokenizer } from './tokenizer.js';

export type PromptItem =
  { readonly kind: 'token'; readonly id: TokenId } | { readonly kind: 'image'; readonly image: number };

export interface EncodedPrompt {
  readonly items: readonly PromptItem[];
}

/** How SentencePiece spells a blank. */
const BLANK_PIECE = '▁';

/** A part of a stretch: text to tokenise, or one token that was named by its spelling. */
type Segment =
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'added'; readonly token: AddedToken };

/**
 * Encodes the prompt, the beginning-of-sequence token once in front if the model has one.
 *
 * `promptMaxTokens` keeps the first so many tokens and drops the rest. The beginning-of-sequence token counts, since it is a
 * token of the prompt as `return_metadata` reports it; image slots do not count and are never dropped.
 */
export function encodePrompt(
  pieces: readonly PromptPiece[],
  tokenizer: Tokenizer,
  promptMaxTokens: number | null = null,
): EncodedPrompt {
  const { addBos, bosId, addedTokens } = tokenizer.settings;
  const tokens = new Map(addedTokens.map((token) => [token.content, token]));
  const items: PromptItem[] = [];
  let tokenBudget = promptMaxTokens ?? Number.POSITIVE_INFINITY;
  const pushTokens = (ids: readonly TokenId[]) => {
    for (const id of ids) if (tokenBudget-- > 0) items.push({ kind: 'token', id });
  };

  if (addBos && bosId !== null) pushTokens([toTokenId(bosId)]);
  let stretch: Segment[] = [];
  for (const piece of pieces) {
    if (piece.kind === 'image') {
      pushTokens(encodeStretch(stretch, tokenizer));
      items.push(piece);
      stretch = [];
    } else {
      appendSegment(stretch, toSegment(piece, tokens));
    }
  }
  pushTokens(encodeStretch(stretch, tokenizer));
  return { items };
}

function toSegment(
  piece: Exclude<PromptPiece, { kind: 'image' }>,
  tokens: ReadonlyMap<string, AddedToken>,
): Segment {
  if (piece.kind === 'text') return piece;
  const token = tokens.get(piece.content);
  return token === undefined ? { kind: 'text', text: piece.content } : { kind: 'added', token };
}

/** Neighbouring texts are one text to the tokenizer: its merges cross the border between template and user. */
function appendSegment(stretch: Segment[], segment: Segment): void {
  if (segment.kind === 'text' && segment.text === '') return;
  const last = stretch.at(-1);
  if (last?.kind === 'text' && segment.kind === 'text') {
    stretch[stretch.length - 1] = { kind: 'text', text: last.text + segment.text };
  } else {
    stretch.push(segment);
  }
}

function encodeStretch(stretch: readonly Segment[], tokenizer: Tokenizer): TokenId[] {
  const { legacy, addSpacePrefix, removesExtraWhitespace } = tokenizer.settings;
  return stretch.flatMap((segment, index) => {
    if (segment.kind === 'text') {
      const text = stripBeside(stretch[index - 1], segment.text, stretch[index + 1]);
      const hasPrefix = addSpacePrefix && (legacy || index === 0);
      const kept = removesExtraWhitespace ? withoutExtraBlanks(text, !legacy && index > 0) : text;
      return kept === '' ? [] : tokenizer.encodePlain(hasPrefix ? ` ${kept}` : kept);
    }
    // Not legacy: the prefix stands in front of the whole stretch, and is taken back only before a special token.
    const keepsPrefix =
      addSpacePrefix && !legacy && !removesExtraWhitespace && index === 0 && !segment.token.special;
    const id = toTokenId(segment.token.id);
    return keepsPrefix ? [...tokenizer.encodePlain(' '), id] : [id];
  });
}

/** A token with rstrip swallows the white space after it, one with lstrip that before it: Phi-3's tokens do. */
function stripBeside(left: Segment | undefined, text: string, right: Segment | undefined): string {
  const afterLeft = left?.kind === 'added' && left.token.rstrip ? text.trimStart() : text;
  return right?.kind === 'added' && right.token.lstrip ? afterLeft.trimEnd() : afterLeft;
}

/**
 * The text as SentencePiece's normaliser leaves it where the model removes extra white space, which is the trainer's default: no
 * blanks at the ends and one for a run of them. Line breaks and tabs are no blanks, and a `▁` that somebody typed is one only at
 * the end. Follows google/sentencepiece 0.2.2, src/normalizer.cc (Normalize). A text that gets no prefix because a token stands
 * before it keeps one blank in front: transformers puts `<unk>` there and takes it away again. One difference: where the tokenizer
 * is not legacy, transformers 4.37 makes blanks of every `▁` and one `▁` of the prefix, so that blanks in front of a prompt are
 * not all dropped; SentencePiece itself drops them.
 */
function withoutExtraBlanks(text: string, keepsOneInFront: boolean): string {
  const single = text.replace(/ {2,}/gu, ' ');
  // A loop, not an expression: trying every character of a long run as the beginning of the end takes quadratic time.
  let end = single.length;
  while (end > 0 && (single[end - 1] === ' ' || single[end - 1] === BLANK_PIECE)) end -= 1;
  return single.slice(single.startsWith(' ') && !keepsOneInFront ? 1 : 0, end);
}

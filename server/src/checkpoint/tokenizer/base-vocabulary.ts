// What a tokenizer file says before anything else is added to it: the common form of tokenizer.model and tokenizer.json.
import type { AddedToken } from '../../model/description.js';
import { isTurnEnd } from './turn-ends.js';
import { PIECE_TYPE, type SentencePiece, type SentencePieceModel } from './sentencepiece.js';

export interface BaseVocabulary {
  readonly kind: 'sentencepiece' | 'bpe';
  /** `tokenizer.ggml.pre`: how text is cut before merging. */
  readonly pre: string;
  /** By id; ids without a token are undefined. */
  readonly pieces: readonly (SentencePiece | undefined)[];
  /** BPE merges in order of rank; null for SentencePiece, which goes by score. */
  readonly merges: readonly string[] | null;
  readonly addsDummyPrefix: boolean;
  readonly removesExtraWhitespace: boolean;
  /** What holds when tokenizer_config.json does not say. */
  readonly addsBosByDefault: boolean;
  /** Special tokens that the file itself declares. */
  readonly own: readonly AddedToken[];
  readonly warnings: readonly string[];
}

/** From tokenizer.model. Slow Llama tokenizers add the beginning token unless they are told not to. */
export function fromSentencePiece(model: SentencePieceModel, file: string): BaseVocabulary {
  return {
    kind: 'sentencepiece',
    pre: 'default',
    pieces: model.pieces,
    merges: null,
    addsDummyPrefix: model.addsDummyPrefix,
    removesExtraWhitespace: model.removesExtraWhitespace,
    addsBosByDefault: true,
    own: model.pieces.flatMap(ownToken),
    warnings: model.normalizesCharacters
      ? [
          `${file} normalises characters before encoding; this is not applied, rare characters may encode differently.`,
        ]
      : [],
  };
}

/**
 * Control and unknown pieces are special by themselves. Markers of turns among the user-defined ones are printed, but come from templates
 * only; SentencePiece would find them in a user's text. The others, such as runs of blanks and HTML's tags, are text, and found there.
 */
function ownToken({ text, type }: SentencePiece, id: number): AddedToken[] {
  const special = type === PIECE_TYPE.control || type === PIECE_TYPE.unknown;
  const isMarker = type === PIECE_TYPE.userDefined && (/^<\|.+\|>$/.test(text) || isTurnEnd(text));
  return special || isMarker ? [{ id, content: text, special, lstrip: false, rstrip: false }] : [];
}

// What prompt assembly needs of a tokenizer. The real one is llama.cpp's vocabulary (native/); tests bring their own.
import type { TokenizerSettings } from '../../model/description.js';
import type { TokenId } from '../ids.js';

export interface Tokenizer {
  readonly settings: TokenizerSettings;
  /**
   * Token ids of plain text: no BOS, no dummy prefix, and no spelling of a special token is ever matched. A caller that
   * wants the SentencePiece dummy prefix puts one space in front.
   */
  encodePlain(text: string): TokenId[];
  /** Bytes that the token adds to the output; empty for special tokens. */
  pieceBytes(token: TokenId): Uint8Array;
  /** How the vocabulary spells the token: `▁` or `Ġ` for a blank, `<0x0A>` for a byte. For ids below `tokenCount` only. */
  spelling(token: TokenId): string;
}

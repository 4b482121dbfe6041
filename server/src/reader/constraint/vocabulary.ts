// What llguidance must know of a vocabulary: the bytes that each token adds to a text, in the order of their ids. Special tokens add
// none and so are never allowed. One token without bytes is added at the end (llguidance.ts).
import { setImmediate as nextTurn } from 'node:timers/promises';
import { toTokenId } from '../ids.js';
import type { Tokenizer } from '../prompt/tokenizer.js';

export interface VocabularyBytes {
  readonly lengths: Uint32Array<ArrayBuffer>;
  /** Of all tokens, one after the other. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A turn of the loop between so many: each takes some microseconds, and running streams must not wait for 128,000 of them. */
const TOKENS_A_TURN = 500;

export async function readVocabulary(tokenizer: Tokenizer): Promise<VocabularyBytes> {
  const { tokenCount } = tokenizer.settings;
  const pieces: Uint8Array[] = [];
  for (let id = 0; id < tokenCount; id += 1) {
    if (id % TOKENS_A_TURN === 0) await nextTurn();
    pieces.push(tokenizer.pieceBytes(toTokenId(id)));
  }
  const lengths = new Uint32Array(tokenCount + 1);
  lengths.set(pieces.map((piece) => piece.length));
  return { lengths, bytes: Uint8Array.from(Buffer.concat(pieces)) };
}

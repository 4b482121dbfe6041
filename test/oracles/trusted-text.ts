// Reads pieces out of a string that nobody outside typed: `<image>` markers become image slots and spellings of added tokens
// become tokens. Parity tests use it; the server never reads a prompt so. Splits as the slow Hugging Face
// tokenizer does (transformers 4.57, tokenization_utils.py, `tokenize`): the markers first, then leftmost and longest token.
import type { AddedToken } from '../../server/src/model/description.js';
import {
  imagePiece,
  specialPiece,
  textPiece,
  type PromptPiece,
} from '../../server/src/reader/prompt/pieces.js';

const IMAGE_MARKER = '<image>';

/** Images are numbered in the order of their markers. */
export function trustedTextToPieces(text: string, addedTokens: readonly AddedToken[]): PromptPiece[] {
  return text.split(IMAGE_MARKER).flatMap((stretch, index) => {
    const pieces = splitAtTokens(stretch, addedTokens);
    return index === 0 ? pieces : [imagePiece(index - 1), ...pieces];
  });
}

function splitAtTokens(text: string, addedTokens: readonly AddedToken[]): PromptPiece[] {
  if (addedTokens.length === 0) return text === '' ? [] : [textPiece(text)];
  const tokens = new Map(addedTokens.map((token) => [token.content, token]));
  const longestFirst = [...tokens.keys()].sort((a, b) => b.length - a.length);
  // Every other element of a split with a capture group is a match.
  const fragments = text.split(new RegExp(`(${longestFirst.map(escapeRegExp).join('|')})`, 'u'));
  return fragments.flatMap((fragment, index) => {
    if (index % 2 === 1) return [specialPiece(fragment)];
    const stripped = stripBeside(
      tokens.get(fragments[index - 1] ?? ''),
      fragment,
      tokens.get(fragments[index + 1] ?? ''),
    );
    return stripped === '' ? [] : [textPiece(stripped)];
  });
}

/** A token with rstrip swallows the white space after it, one with lstrip that before it. */
function stripBeside(left: AddedToken | undefined, text: string, right: AddedToken | undefined): string {
  const afterLeft = left?.rstrip === true ? text.trimStart() : text;
  return right?.lstrip === true ? afterLeft.trimEnd() : afterLeft;
}

const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&');

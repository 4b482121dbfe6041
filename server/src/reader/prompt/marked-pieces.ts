// A rendered chat template to pieces. What the template wrote is searched for the spellings of tokens and for `<image>`; what somebody
// typed stays text, whatever it spells (decision 3).
import type { AddedToken } from '../../model/description.js';
import type { MarkedText } from './jinja/marked-text.js';
import { imagePieces } from './raw-prompt.js';
import { specialPiece, textPiece, type PromptPiece } from './pieces.js';

export const IMAGE_MARKER = '<image>';

export class MarkedPieces {
  readonly #spellings: RegExp;
  readonly #wrapsImageInStartEnd: boolean;

  constructor(addedTokens: readonly AddedToken[], wrapsImageInStartEnd: boolean) {
    // Where one spelling begins with another, the longer one is meant, as for transformers' slow tokenizers.
    const spellings = [IMAGE_MARKER, ...addedTokens.map(({ content }) => content)].sort(
      (a, b) => b.length - a.length,
    );
    // Every other part of a split at a group is what the group matched.
    this.#spellings = new RegExp(`(${spellings.map(escaped).join('|')})`, 'u');
    this.#wrapsImageInStartEnd = wrapsImageInStartEnd;
  }

  /** The places of images get the numbers of `images` in their order; `imageCount` says how many places there are. */
  split(
    text: MarkedText,
    images: readonly number[],
  ): { readonly pieces: readonly PromptPiece[]; readonly imageCount: number } {
    let imageCount = 0;
    const pieces = text.stretches.flatMap((stretch) => {
      if (stretch.origin === 'typed') return [textPiece(stretch.text)];
      return stretch.text.split(this.#spellings).flatMap((part, index) => {
        if (index % 2 === 0) return part === '' ? [] : [textPiece(part)];
        if (part !== IMAGE_MARKER) return [specialPiece(part)];
        imageCount += 1;
        return imagePieces(images[imageCount - 1] ?? 0, this.#wrapsImageInStartEnd);
      });
    });
    return { pieces, imageCount };
  }
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/gu, '\\$&');

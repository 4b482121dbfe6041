// Pieces of a prompt that is used as the client wrote it, and of one turn's content inside a template. Owns where images
// stand: one in front of all text stands on a line of its own, as in the training data; any other stays where its tag stood.
import type { PromptPart } from '../../link/requests/messages.js';
import { imagePiece, specialPiece, textPiece, type PromptPiece } from './pieces.js';

const IMAGE_SEPARATOR = '\n';
/** Blanks may stand between a tag and the line break that the client typed after it. */
const STARTS_WITH_NEWLINE = /^[ \t]*\r?\n/;

/**
 * `wrapsImageInStartEnd` surrounds each image with `<im_start>` and `<im_end>` (`mm_use_im_start_end` of the checkpoint).
 * A leading image is followed by a line break unless the text after it brings its own.
 */
export function partsToPieces(parts: readonly PromptPart[], wrapsImageInStartEnd: boolean): PromptPiece[] {
  const pieces: PromptPiece[] = [];
  let afterLeadingImage = false;
  let textSeen = false;
  for (const part of parts) {
    if (part.kind === 'image') {
      if (afterLeadingImage) pieces.push(textPiece(IMAGE_SEPARATOR));
      pieces.push(...imagePieces(part.image, wrapsImageInStartEnd));
      afterLeadingImage = !textSeen;
    } else if (part.text !== '') {
      if (afterLeadingImage && !STARTS_WITH_NEWLINE.test(part.text)) pieces.push(textPiece(IMAGE_SEPARATOR));
      pieces.push(textPiece(part.text));
      afterLeadingImage = false;
      textSeen = true;
    }
  }
  if (afterLeadingImage) pieces.push(textPiece(IMAGE_SEPARATOR));
  return pieces;
}

export function imagePieces(image: number, wrapsImageInStartEnd: boolean): PromptPiece[] {
  if (!wrapsImageInStartEnd) return [imagePiece(image)];
  return [specialPiece('<im_start>'), imagePiece(image), specialPiece('<im_end>')];
}

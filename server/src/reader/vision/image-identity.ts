// What an image is known by, in the store of features and in the KV cache: the SHA-256 of the uploaded bytes, whole, and the size of
// the image, which decides how many rows it has; where rows are left out, how many are kept. Preprocessing and the choice of rows are
// the same for all images of a reader. Images of requests with a cache salt are known to requests of the same salt only.
import type { ImagePayload } from '../../link/requests/messages.js';

/** @param keptRows null where all are kept */
export function imageIdentity(
  { sha256, widthPx, heightPx }: ImagePayload,
  keptRows: number | null,
  cacheSalt: string | null,
): string {
  const reduction = keptRows === null ? 'whole' : `${REDUCTION_METHOD}-${keptRows}`;
  return `${sha256} ${widthPx}x${heightPx} ${reduction}${cacheSalt === null ? '' : ` ${cacheSalt}`}`;
}

/** How rows are chosen (reduce/choose-patches.ts). */
const REDUCTION_METHOD = 'scope';

// What an image is known by, in the store of features and in the KV cache: the SHA-256 of the uploaded bytes, whole, and the size of
// the image, which decides how many rows it has. Preprocessing is the same for all images of a reader. Images of requests with a
// cache salt are known to requests of the same salt only.
import type { ImagePayload } from '../../link/requests/messages.js';

export const imageIdentity = (
  { sha256, widthPx, heightPx }: ImagePayload,
  cacheSalt: string | null,
): string => `${sha256} ${widthPx}x${heightPx}${cacheSalt === null ? '' : ` ${cacheSalt}`}`;

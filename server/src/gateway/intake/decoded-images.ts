// What decoders made of the last images, for those that come again: chat clients send the images of a conversation with each of its
// turns, and the bytes are the same each time. A request with a `cache_salt` finds only what others with the same one have left.
import { LRUCache } from 'lru-cache';
import type { ImagePayload } from '../../link/requests/messages.js';
import type { ImageForm } from '../../model/description.js';

/** Some fifty images of a tile of 336 × 336, or ten of five tiles. */
export const DECODED_IMAGES_BYTES = 16 * 2 ** 20;

/** What an image becomes depends on these. */
export interface DecodedImageKey {
  /** Of the uploaded bytes. */
  readonly sha256: string;
  readonly form: ImageForm;
  readonly cacheSalt: string | null;
}

export class DecodedImages {
  readonly #images: LRUCache<string, ImagePayload>;

  constructor(maxBytes: number) {
    this.#images = new LRUCache({ maxSize: maxBytes, sizeCalculation: ({ tiles }) => tiles.length });
  }

  find(key: DecodedImageKey): ImagePayload | undefined {
    return this.#images.get(textOf(key));
  }

  /** An image that takes more than all others together may is not kept. */
  keep(key: DecodedImageKey, image: ImagePayload): void {
    // Of its own: what a decoder sends is a part of a larger message.
    this.#images.set(textOf(key), { ...image, tiles: new Uint8Array(image.tiles) });
  }
}

const textOf = ({ sha256, form, cacheSalt }: DecodedImageKey): string =>
  JSON.stringify([sha256, form, cacheSalt]);

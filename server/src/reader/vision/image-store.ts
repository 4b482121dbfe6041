// Image features by identity: encoded images of past and present requests, bounded in bytes, and the one encoding that is
// under way. An image that several sequences wait for is encoded once. Identity is the SHA-256 of the upload together with
// its size; preprocessing is the same for all images of a reader.
import type { ImagePayload } from '../../link/requests/messages.js';
import type { FeatureRows } from '../engine/engine.js';
import type { ImageEncoder, ImageEncoding } from './image-encoder.js';

export class ImageStore {
  readonly #encoder: ImageEncoder;
  readonly #maxBytes: number;
  /** Least recently used first. */
  readonly #features = new Map<string, FeatureRows>();
  #bytes = 0;
  #current: { readonly key: string; readonly encoding: ImageEncoding } | undefined;

  /** @param maxBytes of features that are kept; the newest are kept even when they alone are more */
  constructor(encoder: ImageEncoder, maxBytes: number) {
    this.#encoder = encoder;
    this.#maxBytes = maxBytes;
  }

  /** Features of an encoded image; marks it as used. */
  get(image: ImagePayload): FeatureRows | undefined {
    const key = identity(image);
    const features = this.#features.get(key);
    if (features !== undefined) {
      this.#features.delete(key);
      this.#features.set(key, features);
    }
    return features;
  }

  /** Runs one slice of an encoding: of the one under way, else of a new one for `image`. */
  async advance(image: ImagePayload): Promise<void> {
    this.#current ??= { key: identity(image), encoding: this.#encoder.start(image) };
    const { key, encoding } = this.#current;
    const features = await encoding.advance();
    if (features === undefined) return;
    this.#current = undefined;
    this.#add(key, features);
  }

  #add(key: string, features: FeatureRows): void {
    this.#features.set(key, features);
    this.#bytes += features.values.byteLength;
    for (const [oldest, old] of this.#features) {
      // The newest stays even when it alone is over the bound: a sequence is about to take it.
      if (this.#bytes <= this.#maxBytes || oldest === key) break;
      this.#features.delete(oldest);
      this.#bytes -= old.values.byteLength;
    }
  }
}

const identity = (image: ImagePayload): string => `${image.sha256} ${image.widthPx}x${image.heightPx}`;

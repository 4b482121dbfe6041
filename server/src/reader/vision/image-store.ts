// Image features by identity: encoded images of past and present requests, bounded in bytes, and the one encoding that is
// under way. An image that several sequences wait for is encoded once. Identity is that of image-identity.ts.
import type { ImagePayload } from '../../link/requests/messages.js';
import type { FeatureRows } from '../engine/engine.js';
import type { ImageEncoder, ImageEncoding } from './image-encoder.js';

export interface StoredImage {
  readonly identity: string;
  readonly payload: ImagePayload;
}

interface Encoding {
  readonly identity: string;
  readonly encoding: ImageEncoding;
  partsLeft: number;
}

export class ImageStore {
  readonly #encoder: ImageEncoder;
  readonly #maxBytes: number;
  /** Least recently used first. */
  readonly #features = new Map<string, FeatureRows>();
  #bytes = 0;
  #current: Encoding | undefined;

  /** @param maxBytes of features that are kept; the newest are kept even when they alone are more */
  constructor(encoder: ImageEncoder, maxBytes: number) {
    this.#encoder = encoder;
    this.#maxBytes = maxBytes;
  }

  /** Features of an encoded image; marks it as used. */
  get({ identity }: StoredImage): FeatureRows | undefined {
    const features = this.#features.get(identity);
    if (features !== undefined) {
      this.#features.delete(identity);
      this.#features.set(identity, features);
    }
    return features;
  }

  /**
   * Computes parts of an encoding: of the one under way, else of a new one for `image`.
   * @returns how many, at most `maxParts`
   */
  async advance(image: StoredImage, maxParts: number): Promise<number> {
    this.#current ??= this.#begin(image);
    const current = this.#current;
    const parts = Math.min(maxParts, current.partsLeft);
    const features = await current.encoding.advance(parts);
    current.partsLeft -= parts;
    if (features === undefined) return parts;
    this.#current = undefined;
    this.#add(current.identity, features);
    return parts;
  }

  #begin({ identity, payload }: StoredImage): Encoding {
    const encoding = this.#encoder.start(payload);
    return { identity, encoding, partsLeft: encoding.partCount };
  }

  #add(identity: string, features: FeatureRows): void {
    this.#features.set(identity, features);
    this.#bytes += features.values.byteLength;
    for (const [oldest, old] of this.#features) {
      // The newest stays even when it alone is over the bound: a sequence is about to take it.
      if (this.#bytes <= this.#maxBytes || oldest === identity) break;
      this.#features.delete(oldest);
      this.#bytes -= old.values.byteLength;
    }
  }
}

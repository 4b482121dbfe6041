// Image features by identity: encoded images of past and present requests, bounded in bytes, and the one encoding that is
// under way. An image that several sequences wait for is encoded once. Identity is that of image-identity.ts.
import type { ReaderCounts } from '../../link/lifecycle/reader-counts.js';
import type { ImagePayload } from '../../link/requests/messages.js';
import type { FeatureRows } from '../engine/engine.js';
import type { ImageEncoder, ImageEncoding } from './image-encoder.js';

export interface StoredImage {
  readonly identity: string;
  readonly payload: ImagePayload;
  /** Rows that are kept, where that is not all of them. */
  readonly keptRows: number | null;
}

export type FeatureCounts = ReaderCounts['features'];

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
  /** Those that asked for features that were not there. */
  readonly #waiting = new WeakSet<StoredImage>();
  /** Those whose asking began an encoding. */
  readonly #begun = new WeakSet<StoredImage>();
  readonly #totals = { hits: 0, misses: 0, joined: 0 };
  #bytes = 0;
  #current: Encoding | undefined;

  /** @param maxBytes of features that are kept; the newest are kept even when they alone are more */
  constructor(encoder: ImageEncoder, maxBytes: number) {
    this.#encoder = encoder;
    this.#maxBytes = maxBytes;
  }

  /** What is kept now, and how the images of prompts were met so far. */
  get counts(): FeatureCounts {
    return { bytes: this.#bytes, maxBytes: this.#maxBytes, ...this.#totals };
  }

  /** Features of an encoded image, for one prompt that takes them once; marks them as used. */
  get(image: StoredImage): FeatureRows | undefined {
    const { identity } = image;
    const features = this.#features.get(identity);
    if (features === undefined) {
      this.#waiting.add(image);
      return undefined;
    }
    if (!this.#begun.has(image)) this.#totals[this.#waiting.has(image) ? 'joined' : 'hits'] += 1;
    this.#features.delete(identity);
    this.#features.set(identity, features);
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

  #begin(image: StoredImage): Encoding {
    this.#totals.misses += 1;
    this.#begun.add(image);
    const encoding = this.#encoder.start(image.payload, image.keptRows);
    return { identity: image.identity, encoding, partsLeft: encoding.partCount };
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

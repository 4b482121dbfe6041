// Image features by identity: encoded images of past and present requests, bounded in bytes, and the one encoding that is
// under way. An image that several sequences wait for is encoded once. Identity is that of image-identity.ts.
import type { ReaderCounts } from '../../link/lifecycle/reader-counts.js';
import type { ImagePayload } from '../../link/requests/messages.js';
import type { FeatureRows } from '../engine/engine.js';
import { bytesOfBlocks, FeatureMemory, type KeptFeatures } from './feature-memory.js';
import type { ImageEncoder, ImageEncoding } from './image-encoder.js';

export interface StoredImage {
  readonly identity: string;
  readonly payload: ImagePayload;
  /** Rows that are kept, where that is not all of them. */
  readonly keptRows: number | null;
}

/** Whether a prompt that was given these features has still to take some of their rows. */
type IsNeeded = (features: FeatureRows) => boolean;

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
  readonly #features = new Map<string, KeptFeatures>();
  readonly #memory = new FeatureMemory();
  /** Those that are kept no more, and that a prompt may still need. */
  #letGo: KeptFeatures[] = [];
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

  /** Features of an encoded image, for one prompt that takes them once, to be used until they are freed; marks them as used. */
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
   * Computes parts of an encoding: of the one under way, else of a new one for `image`. Where its features are made and there is no room
   * for them, those go that were used longest ago, and their memory is used for others unless they are needed.
   * @returns how many, at most `maxParts`
   */
  async advance(image: StoredImage, maxParts: number, isNeeded: IsNeeded): Promise<number> {
    this.#current ??= this.#begin(image);
    const current = this.#current;
    const parts = Math.min(maxParts, current.partsLeft);
    const features = await current.encoding.advance(parts);
    current.partsLeft -= parts;
    if (features === undefined) return parts;
    this.#current = undefined;
    this.#add(current.identity, features, isNeeded);
    return parts;
  }

  #begin(image: StoredImage): Encoding {
    this.#totals.misses += 1;
    this.#begun.add(image);
    const encoding = this.#encoder.start(image.payload, image.keptRows);
    return { identity: image.identity, encoding, partsLeft: encoding.partCount };
  }

  /** Those are kept even when they alone are over the bound: a sequence is about to take them. */
  #add(identity: string, encoded: FeatureRows, isNeeded: IsNeeded): void {
    const bytes = bytesOfBlocks(encoded);
    for (const [oldest, old] of this.#features) {
      if (this.#bytes + bytes <= this.#maxBytes) break;
      this.#features.delete(oldest);
      this.#letGo.push(old);
      this.#bytes -= old.byteLength;
    }
    const needed = this.#letGo.filter(isNeeded);
    for (const features of this.#letGo) if (!needed.includes(features)) this.#memory.free(features);
    this.#letGo = needed;
    this.#features.set(identity, this.#memory.keep(encoded));
    this.#bytes += bytes;
    this.#memory.limitSpare(Math.max(0, this.#maxBytes - this.#bytes));
  }
}

// An encoder without a tower, beside the echo engine: each image becomes rows of zeros after a fixed number of parts. It counts the
// parts, so that tests can tell what was encoded and when.
import type { ImagePayload } from '../../link/requests/messages.js';
import type { VisionSettings } from '../../model/description.js';
import { layoutImage } from '../../image/geometry.js';
import type { FeatureRows } from '../engine/engine.js';
import type { ImageEncoder, ImageEncoding } from './image-encoder.js';

export class EchoEncoder implements ImageEncoder {
  readonly canReduce = true;
  readonly #vision: VisionSettings;
  readonly #parts: number;
  #ranParts = 0;

  /** @param parts of each encoding */
  constructor(vision: VisionSettings, parts: number) {
    this.#vision = vision;
    this.#parts = parts;
  }

  /** Parts of all encodings so far. */
  get ranParts(): number {
    return this.#ranParts;
  }

  start({ widthPx, heightPx }: ImagePayload, keptRows: number | null): ImageEncoding {
    const rows = keptRows ?? layoutImage(widthPx, heightPx, this.#vision).imageTokens;
    const features: FeatureRows = { rows, row: () => new Float32Array(1) };
    let partsLeft = this.#parts;
    return {
      partCount: this.#parts,
      advance: (maxParts) => {
        const parts = Math.min(maxParts, partsLeft);
        this.#ranParts += parts;
        partsLeft -= parts;
        return Promise.resolve(partsLeft > 0 ? undefined : features);
      },
    };
  }

  close(): void {
    // nothing is held
  }
}

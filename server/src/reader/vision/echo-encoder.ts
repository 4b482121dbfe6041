// An encoder without a tower, beside the echo engine: each image becomes rows of zeros after a fixed number of slices. It counts
// the slices, so that tests can tell what was encoded and when.
import type { ImagePayload } from '../../link/requests/messages.js';
import type { VisionSettings } from '../../model/description.js';
import { layoutImage } from '../../image/geometry.js';
import type { FeatureRows } from '../engine/engine.js';
import type { ImageEncoder, ImageEncoding } from './image-encoder.js';

export class EchoEncoder implements ImageEncoder {
  readonly #vision: VisionSettings;
  readonly #slices: number;
  #ranSlices = 0;

  /** @param slices of each encoding */
  constructor(vision: VisionSettings, slices: number) {
    this.#vision = vision;
    this.#slices = slices;
  }

  /** Slices of all encodings so far. */
  get ranSlices(): number {
    return this.#ranSlices;
  }

  start({ widthPx, heightPx }: ImagePayload): ImageEncoding {
    const rows = layoutImage(widthPx, heightPx, this.#vision).imageTokens;
    const features: FeatureRows = { rows, values: new Float32Array(rows) };
    let slicesLeft = this.#slices;
    return {
      advance: () => {
        this.#ranSlices += 1;
        slicesLeft -= 1;
        return Promise.resolve(slicesLeft > 0 ? undefined : features);
      },
    };
  }

  close(): void {
    // nothing is held
  }
}

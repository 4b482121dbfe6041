// Gives running sequences the features of their images, and has those encoded that are missing: some parts at a time, as many as streams
// can wait for by what parts took before.
import { Defect } from '../../errors.js';
import { WorkPace } from '../schedule/work-pace.js';
import type { Sequence, SequenceImage } from '../sequence.js';
import type { FeatureCounts, ImageStore } from './image-store.js';

export interface ImageSupplyOptions {
  /** Null for a model that takes no images. */
  readonly images: ImageStore | null;
  /** Milliseconds from any beginning, ever growing. */
  readonly clock: () => number;
}

/** All that have been given features and may need them still. */
type Running = ReadonlyMap<unknown, { readonly sequence: Sequence }>;

/** Of a model that takes no images. */
const NO_FEATURES: FeatureCounts = { bytes: 0, maxBytes: 0, hits: 0, misses: 0, joined: 0 };

export class ImageSupply {
  readonly #options: ImageSupplyOptions;
  readonly #pace = new WorkPace();

  constructor(options: ImageSupplyOptions) {
    this.#options = options;
  }

  get counts(): FeatureCounts {
    return this.#options.images?.counts ?? NO_FEATURES;
  }

  /** Gives a sequence the features of its images in order. Returns the first image whose features are not there. */
  supply(sequence: Sequence): SequenceImage | undefined {
    for (let missing = sequence.missingImage; missing !== undefined; missing = sequence.missingImage) {
      const features = this.#images.get(missing);
      if (features === undefined) return missing;
      sequence.supply(missing, features);
    }
    return undefined;
  }

  /**
   * Computes some parts of an encoding, as many as take about `targetMs`: of the one under way, else of that of `image`. Returns the
   * milliseconds that it took. Features that none of the running sequences needs may make room for those of the image.
   */
  async encode(image: SequenceImage, targetMs: number, running: Running): Promise<number> {
    const { clock } = this.#options;
    const maxParts = this.#pace.units({
      targetMs,
      firstUnits: 1,
      minUnits: 1,
      maxUnits: Infinity,
    });
    const startMs = clock();
    const units = await this.#images.advance(image, maxParts, (features) =>
      [...running.values()].some(({ sequence }) => sequence.needs(features)),
    );
    const ms = clock() - startMs;
    this.#pace.note({ units, ms }, 'large');
    return ms;
  }

  get #images(): ImageStore {
    const { images } = this.#options;
    if (images === null) throw new Defect('An image reached the loop of a model without a vision tower.');
    return images;
  }
}

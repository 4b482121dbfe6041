// What the reader's loop needs of whatever turns images into rows for the language model. The real one runs the CLIP tower
// (tower-encoder.ts); the echo encoder gives rows of zeros. Calls never overlap: the loop awaits each one.
import type { ImagePayload } from '../../link/requests/messages.js';
import type { FeatureRows } from '../engine/engine.js';

/** An encoding cut into parts, so that running sequences are served between some of them. */
export interface ImageEncoding {
  /** Parts of about equal length that it is computed in. */
  readonly partCount: number;
  /** Computes up to so many parts, at least one. Features when none is left, to be copied before the encoder starts again. */
  advance(maxParts: number): Promise<FeatureRows | undefined>;
}

export interface ImageEncoder {
  /** Whether it can tell which rows of an image to keep. */
  readonly canReduce: boolean;
  /** @param keptRows how many rows are kept, of more; null keeps all */
  start(image: ImagePayload, keptRows: number | null): ImageEncoding;
  close(): void;
}

// What the reader's loop needs of whatever turns images into rows for the language model. The real one runs the CLIP tower
// (tower-encoder.ts); the echo encoder gives rows of zeros. Calls never overlap: the loop awaits each one.
import type { ImagePayload } from '../../link/requests/messages.js';
import type { FeatureRows } from '../engine/engine.js';

/** An encoding cut into slices, so that running sequences are served between them. */
export interface ImageEncoding {
  /** Runs one slice. Features when it was the last. */
  advance(): Promise<FeatureRows | undefined>;
}

export interface ImageEncoder {
  start(image: ImagePayload): ImageEncoding;
  close(): void;
}

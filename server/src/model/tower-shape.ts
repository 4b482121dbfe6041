// A CLIP vision tower and its projector as numbers: one shape for whoever reads it from a checkpoint, stores it in a GGUF file, or
// builds the graph that runs it.
import type { VisionSettings } from './description.js';

export interface TowerShape extends Readonly<Pick<VisionSettings, 'sidePx' | 'patchPx'>> {
  /** Features of a row inside the tower. */
  readonly hiddenSize: number;
  readonly feedForwardSize: number;
  readonly headCount: number;
  /** Of the layer norms. */
  readonly epsilon: number;
  /** Of the feed-forward: CLIP's quick-GELU, or the exact GELU of some OpenCLIP models. */
  readonly activation: 'quick_gelu' | 'gelu';
}

/** From a tile to rows of the language model. */
export interface VisionShape extends TowerShape {
  /** Encoder layers that run, and so are stored: the selected hidden state comes after this many. */
  readonly layersToRun: number;
  /** Linear layers of the projector, exact GELU between them; 0 is the identity. */
  readonly projectorLayers: number;
}

/** Per-channel constants that pixels are normalised with. */
export type Normalisation = Readonly<Pick<VisionSettings, 'mean' | 'std'>>;

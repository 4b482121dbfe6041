// Images to features: normalises tiles, runs them through the tower part by part, merges them in prompt order. An encoding is cut
// into slices of some parts, so that the loop can serve running sequences between them.
import { Defect } from '../../errors.js';
import type { ImagePayload } from '../../link/requests/messages.js';
import type { VisionSettings } from '../../model/description.js';
import { layoutImage } from '../../image/geometry.js';
import { normalisationTable } from '../../image/normalisation.js';
import type { FeatureRows } from '../engine/engine.js';
import type { ImageEncoder, ImageEncoding } from './image-encoder.js';
import { mergeTiles } from './merge.js';
import { tileToPatches } from './patches.js';
import type { TowerRun, VisionTower } from './tower.js';

export interface TowerEncoderParts {
  readonly tower: VisionTower;
  readonly settings: VisionSettings;
  /** The image_newline vector, f32 [textWidth], where the model has one. */
  readonly newline: Float32Array | null;
  /** Frees the tower and its weights. */
  readonly closeParts: () => void;
}

export class TowerEncoder implements ImageEncoder {
  readonly #parts: TowerEncoderParts;
  readonly #table: Float32Array;

  constructor(parts: TowerEncoderParts) {
    this.#parts = parts;
    this.#table = normalisationTable(parts.settings.mean, parts.settings.std);
  }

  start(image: ImagePayload): ImageEncoding {
    const { tower, settings } = this.#parts;
    const layout = layoutImage(image.widthPx, image.heightPx, settings);
    const tileBytes = settings.sidePx ** 2 * 3;
    if (image.tiles.length !== layout.tileCount * tileBytes) {
      throw new Defect(
        `A ${image.widthPx} × ${image.heightPx} image has ${layout.tileCount} tiles, got ${image.tiles.length / tileBytes}.`,
      );
    }
    const done: Float32Array[] = [];
    let run: { readonly tiles: number; readonly tower: TowerRun } | undefined;
    const begin = () => {
      const tiles = Math.min(tower.tilesPerRun, layout.tileCount - done.length);
      const bytes = image.tiles.subarray(done.length * tileBytes, (done.length + tiles) * tileBytes);
      return { tiles, tower: tower.begin(this.#patches(bytes, tileBytes), tiles) };
    };
    return {
      partCount: Math.ceil(layout.tileCount / tower.tilesPerRun) * tower.partCount,
      advance: async (maxParts) => {
        for (let parts = 0; parts < maxParts; parts += 1) {
          run ??= begin();
          await run.tower.computePart();
          if (run.tower.partsLeft > 0) continue;
          done.push(...split(run.tower.output(), run.tiles));
          run = undefined;
          if (done.length === layout.tileCount) return this.#features(done, layout);
        }
        return undefined;
      },
    };
  }

  #patches(tiles: Uint8Array, tileBytes: number): Float32Array {
    const { settings } = this.#parts;
    const each = Array.from({ length: tiles.length / tileBytes }, (_, index) =>
      tileToPatches(tiles.subarray(index * tileBytes, (index + 1) * tileBytes), this.#table, settings),
    );
    const [first] = each;
    if (first !== undefined && each.length === 1) return first;
    const patches = new Float32Array(each.reduce((sum, { length }) => sum + length, 0));
    each.forEach((one, index) => patches.set(one, index * one.length));
    return patches;
  }

  /** Features of tiles in their own order, f32 [tiles, rows, textWidth], without cutting the work into slices. */
  async encodeTiles(tiles: Uint8Array): Promise<Float32Array[]> {
    const { tower, settings } = this.#parts;
    const tileBytes = settings.sidePx ** 2 * 3;
    const count = tiles.length / tileBytes;
    const run = tower.begin(this.#patches(tiles, tileBytes), count);
    while (run.partsLeft > 0) await run.computePart();
    return split(run.output(), count);
  }

  close(): void {
    this.#parts.closeParts();
  }

  #features(tiles: readonly Float32Array[], layout: ReturnType<typeof layoutImage>): FeatureRows {
    const { tower, newline } = this.#parts;
    return { rows: layout.imageTokens, values: mergeTiles(tiles, layout, tower.shape.textWidth, newline) };
  }
}

/** Equal parts, as views. */
const split = (values: Float32Array, parts: number): Float32Array[] =>
  Array.from({ length: parts }, (_, index) =>
    values.subarray((index * values.length) / parts, ((index + 1) * values.length) / parts),
  );

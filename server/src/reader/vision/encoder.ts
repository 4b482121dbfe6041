// Images to features: normalises tiles, runs them through the tower segment by segment, merges them in prompt order. An
// encoding is cut into slices so that the loop can serve running sequences between them.
import { Defect } from '../../errors.js';
import type { ImagePayload } from '../../link/requests/messages.js';
import type { VisionSettings } from '../../model/description.js';
import { layoutImage } from '../../image/geometry.js';
import { normalisationTable } from '../../image/normalisation.js';
import type { ImageEncoding, ImageFeatures } from '../engine/engine.js';
import { mergeTiles } from './merge.js';
import { tileToPatches } from './patches.js';
import type { VisionTower } from './tower.js';

export class VisionEncoder {
  readonly #tower: VisionTower;
  readonly #settings: VisionSettings;
  readonly #newline: Float32Array | null;
  readonly #table: Float32Array;

  /** @param newline the image_newline vector, f32 [textWidth], where the model has one */
  constructor(tower: VisionTower, settings: VisionSettings, newline: Float32Array | null) {
    this.#tower = tower;
    this.#settings = settings;
    this.#newline = newline;
    this.#table = normalisationTable(settings.mean, settings.std);
  }

  /** Rows that an image of this size takes in the prompt. */
  imageRows(widthPx: number, heightPx: number): number {
    return layoutImage(widthPx, heightPx, this.#settings).imageTokens;
  }

  /** Each slice is one segment of the tower for one tile. */
  start(image: ImagePayload): ImageEncoding {
    const layout = layoutImage(image.widthPx, image.heightPx, this.#settings);
    const tileBytes = this.#settings.sidePx ** 2 * 3;
    if (image.tiles.length !== layout.tileCount * tileBytes) {
      throw new Defect(
        `A ${image.widthPx} × ${image.heightPx} image has ${layout.tileCount} tiles, got ${image.tiles.length / tileBytes}.`,
      );
    }
    const done: Float32Array[] = [];
    let segment = 0;
    let values: Float32Array | undefined;
    return {
      advance: async () => {
        const tile = image.tiles.subarray(done.length * tileBytes, (done.length + 1) * tileBytes);
        values = await this.#tower.runSegment(
          segment,
          values ?? tileToPatches(tile, this.#table, this.#settings),
        );
        segment += 1;
        if (segment < this.#tower.segmentCount) return undefined;
        done.push(values);
        segment = 0;
        values = undefined;
        return done.length < layout.tileCount ? undefined : this.#features(done, layout);
      },
    };
  }

  close(): void {
    this.#tower.close();
  }

  #features(tiles: readonly Float32Array[], layout: ReturnType<typeof layoutImage>): ImageFeatures {
    return {
      rows: layout.imageTokens,
      values: mergeTiles(tiles, layout, this.#tower.shape.textWidth, this.#newline),
    };
  }
}

// Images to features: normalises tiles, runs them through the tower part by part, puts their rows in prompt order, all of them or as many
// as asked for. An encoding is cut into slices of some parts, so that the loop can serve running sequences between them.
import { Defect } from '../../errors.js';
import type { ImagePayload } from '../../link/requests/messages.js';
import type { VisionSettings } from '../../model/description.js';
import { layoutImage, type ImageLayout } from '../../image/geometry.js';
import { normalisationTable } from '../../image/normalisation.js';
import type { FeatureRows } from '../engine/engine.js';
import type { ImageEncoder, ImageEncoding } from './image-encoder.js';
import { mergeTiles, rowOf } from './merge.js';
import { tileToPatches } from './patches.js';
import { chooseRows } from './reduce/choose-rows.js';
import { patchScores } from './reduce/patch-scores.js';
import { ROWS_PER_PROJECTION, type ScoredTile, type TowerRun, type VisionTower } from './tower.js';

export interface TowerEncoderParts {
  readonly tower: VisionTower;
  readonly settings: VisionSettings;
  /** The image_newline vector, f32 [textWidth], where the model has one. */
  readonly newline: Float32Array | null;
  /** Frees the tower and its weights. */
  readonly closeParts: () => void;
}

/** An image on its way through the tower. */
interface TiledImage {
  readonly payload: ImagePayload;
  readonly layout: ImageLayout;
}

export class TowerEncoder implements ImageEncoder {
  readonly #parts: TowerEncoderParts;
  readonly #table: Float32Array;
  /** Of the tiles of one run, for which the tower has them copied. The next run's take their place. */
  #patches = new Float32Array();
  /** Features of the tiles of one image. The next image's take their place. */
  #features = new Float32Array();

  constructor(parts: TowerEncoderParts) {
    this.#parts = parts;
    this.#table = normalisationTable(parts.settings.mean, parts.settings.std);
  }

  get canReduce(): boolean {
    return this.#parts.tower.canScore;
  }

  start(payload: ImagePayload, keptRows: number | null): ImageEncoding {
    const { settings } = this.#parts;
    const layout = layoutImage(payload.widthPx, payload.heightPx, settings);
    const tileBytes = settings.sidePx ** 2 * 3;
    if (payload.tiles.length !== layout.tileCount * tileBytes) {
      throw new Defect(
        `A ${payload.widthPx} × ${payload.heightPx} image has ${layout.tileCount} tiles, got ${payload.tiles.length / tileBytes}.`,
      );
    }
    const image = { payload, layout };
    return keptRows === null ? this.#whole(image) : this.#reduced(image, keptRows);
  }

  /** Features of tiles in their own order, f32 [tiles, rows, textWidth], without cutting the work into slices. */
  async encodeTiles(tiles: Uint8Array): Promise<Float32Array[]> {
    const { tower, settings } = this.#parts;
    const count = tiles.length / (settings.sidePx ** 2 * 3);
    const features = new Float32Array(count * tower.floatsPerTile);
    const run = tower.begin(this.#patchesOf(tiles, count), count, features);
    while (run.partsLeft > 0) await run.computePart();
    return run.output();
  }

  close(): void {
    this.#parts.closeParts();
  }

  #whole(image: TiledImage): ImageEncoding {
    const { tower, newline } = this.#parts;
    const { layout } = image;
    const features = this.#featuresOf(layout.tileCount);
    let begun = 0;
    const passes = this.#passes(image, (patches, tiles) => {
      const first = begun * tower.floatsPerTile;
      begun += tiles;
      return tower.begin(patches, tiles, features.subarray(first, begun * tower.floatsPerTile));
    });
    return encodingOf(passes.partCount, async () => {
      const tiles = await passes.next();
      if (tiles === undefined) return undefined;
      return mergeTiles(tiles, layout, tower.shape.textWidth, newline);
    });
  }

  /** The rows are chosen when all tiles have been looked at; only those go through the projector. */
  #reduced(image: TiledImage, keptRows: number): ImageEncoding {
    const { tower } = this.#parts;
    const { textWidth } = tower.shape;
    const passes = this.#passes(image, (patches, tiles) => tower.beginScored(patches, tiles));
    const values = new Float32Array(keptRows * textWidth);
    let chosen: Float32Array[] | undefined;
    let projected = 0;
    return encodingOf(passes.partCount + Math.ceil(keptRows / ROWS_PER_PROJECTION), async () => {
      if (chosen === undefined) {
        const tiles = await passes.next();
        if (tiles !== undefined) chosen = this.#choose(image, tiles, keptRows);
        return undefined;
      }
      const rows = chosen.slice(projected, projected + ROWS_PER_PROJECTION);
      values.set(await tower.project(concatenated(rows)), projected * textWidth);
      projected += rows.length;
      return projected < keptRows
        ? undefined
        : { rows: keptRows, row: (index) => rowOf([values], 0, index, textWidth) };
    });
  }

  #choose({ payload, layout }: TiledImage, tiles: readonly ScoredTile[], keptRows: number): Float32Array[] {
    const { settings, tower } = this.#parts;
    const choice = { size: payload, layout, settings, scores: tiles.map(patchScores) };
    const beforeProjector = tiles.map(({ rows }) => rows);
    return chooseRows(choice, keptRows).map(({ tile, row }) =>
      rowOf(beforeProjector, tile, row, tower.shape.hiddenSize),
    );
  }

  /** Runs of the tower over all tiles, one part at a time. */
  #passes<Output>(
    { payload, layout }: TiledImage,
    begin: (patches: Float32Array, tiles: number) => TowerRun<Output>,
  ): { readonly partCount: number; next(): Promise<readonly Output[] | undefined> } {
    const { tower } = this.#parts;
    const tileBytes = payload.tiles.length / layout.tileCount;
    const done: Output[] = [];
    let run: TowerRun<Output> | undefined;
    const beginNext = () => {
      const tiles = Math.min(tower.tilesPerRun, layout.tileCount - done.length);
      const bytes = payload.tiles.subarray(done.length * tileBytes, (done.length + tiles) * tileBytes);
      return begin(this.#patchesOf(bytes, tiles), tiles);
    };
    return {
      partCount: Math.ceil(layout.tileCount / tower.tilesPerRun) * tower.partCount,
      next: async () => {
        run ??= beginNext();
        await run.computePart();
        if (run.partsLeft > 0) return undefined;
        done.push(...run.output());
        run = undefined;
        return done.length === layout.tileCount ? done : undefined;
      },
    };
  }

  #featuresOf(tiles: number): Float32Array {
    const floats = tiles * this.#parts.tower.floatsPerTile;
    if (this.#features.length < floats) this.#features = new Float32Array(floats);
    return this.#features.subarray(0, floats);
  }

  #patchesOf(tiles: Uint8Array, count: number): Float32Array {
    const { settings } = this.#parts;
    // Each byte of a tile becomes a number.
    if (this.#patches.length < tiles.length) this.#patches = new Float32Array(tiles.length);
    const ofTile = tiles.length / count;
    for (let start = 0; start < tiles.length; start += ofTile) {
      const patches = this.#patches.subarray(start, start + ofTile);
      tileToPatches(tiles.subarray(start, start + ofTile), this.#table, settings, patches);
    }
    return this.#patches.subarray(0, tiles.length);
  }
}

/** @param next computes one part, and gives the features with the last one */
const encodingOf = (partCount: number, next: () => Promise<FeatureRows | undefined>): ImageEncoding => ({
  partCount,
  advance: async (maxParts) => {
    for (let parts = 0; parts < maxParts; parts += 1) {
      const features = await next();
      if (features !== undefined) return features;
    }
    return undefined;
  },
});

function concatenated(arrays: readonly Float32Array[]): Float32Array {
  const [first] = arrays;
  if (first !== undefined && arrays.length === 1) return first;
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const array of arrays) {
    all.set(array, end);
    end += array.length;
  }
  return all;
}

// Memory for the features of images, in blocks of some rows that are used again once features are let go. An array for each image would
// stay until the garbage collector looks at what has lived for long, for which it waits until tens of megabytes of them have come
// together, however few image_cache_size allows.
import { Defect } from '../../errors.js';
import type { FeatureRows } from '../engine/engine.js';

/** A multiple of it is what an image takes. */
export const ROWS_PER_BLOCK = 8;

const blockCount = (rows: number): number => Math.ceil(rows / ROWS_PER_BLOCK);

/** What features take that are kept. */
export const bytesOfBlocks = (features: FeatureRows): number =>
  blockCount(features.rows) * ROWS_PER_BLOCK * features.row(0).byteLength;

export class FeatureMemory {
  /** Of equal length, since all features of a model are equally wide. */
  readonly #spare: Float32Array[] = [];

  /** Copies features, until they are freed. */
  keep(features: FeatureRows): KeptFeatures {
    const { rows } = features;
    const width = features.row(0).length;
    const blocks = Array.from(
      { length: blockCount(rows) },
      () => this.#spare.pop() ?? new Float32Array(ROWS_PER_BLOCK * width),
    );
    const kept = new KeptFeatures(rows, blocks);
    for (let row = 0; row < rows; row += 1) kept.row(row).set(features.row(row));
    return kept;
  }

  /** Takes the blocks back, for features that are kept later. */
  free(features: KeptFeatures): void {
    this.#spare.push(...features.giveUp());
  }

  /** Leaves what nobody uses of more than so many bytes to the garbage collector. */
  limitSpare(bytes: number): void {
    const [block] = this.#spare;
    if (block !== undefined)
      this.#spare.length = Math.min(this.#spare.length, Math.floor(bytes / block.byteLength));
  }
}

export class KeptFeatures implements FeatureRows {
  readonly rows: number;
  /** Of its blocks. */
  readonly byteLength: number;
  #blocks: readonly Float32Array[] | null;

  constructor(rows: number, blocks: readonly Float32Array[]) {
    this.rows = rows;
    this.byteLength = blocks.reduce((sum, block) => sum + block.byteLength, 0);
    this.#blocks = blocks;
  }

  row(index: number): Float32Array {
    const block = this.#taken()[Math.floor(index / ROWS_PER_BLOCK)];
    if (block === undefined || index >= this.rows)
      throw new Defect(`Features of ${this.rows} rows have no row ${index}.`);
    const width = block.length / ROWS_PER_BLOCK;
    const place = index % ROWS_PER_BLOCK;
    return block.subarray(place * width, (place + 1) * width);
  }

  /** For FeatureMemory alone: its blocks, which hold something else from now on. */
  giveUp(): readonly Float32Array[] {
    const blocks = this.#taken();
    this.#blocks = null;
    return blocks;
  }

  #taken(): readonly Float32Array[] {
    if (this.#blocks === null) throw new Defect('Features were used after they had been freed.');
    return this.#blocks;
  }
}

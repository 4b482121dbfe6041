// An RGB image in memory.

export interface RgbBitmap {
  readonly widthPx: number;
  readonly heightPx: number;
  /** [heightPx, widthPx, 3] u8 RGB, rows from the top. */
  readonly pixels: Uint8Array;
}

export type RgbColour = readonly [number, number, number];

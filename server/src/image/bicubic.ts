// Pillow's 8-bit bicubic resampling, bit for bit: antialiased, 22-bit fixed-point weights, rounded to 8 bits between the passes,
// horizontal pass first (resize.ts has the exception). Ported from python-pillow, src/libImaging/Resample.c, revision 01f132fb (precompute_coeffs,
// normalize_coeffs_8bpc, ImagingResampleHorizontal_8bpc, ImagingResampleVertical_8bpc). Two additions that change no pixel:
// the source may lie on a larger canvas of one colour that is never built, and only a window of the result is computed.
import type { RgbBitmap, RgbColour } from './bitmap.js';
import { ENTRY_BYTES, SPILL_BYTES, tapKernel, WEIGHT_BITS } from './tap-kernel.js';

/** An image on a canvas of one colour. */
export interface Canvas {
  readonly bitmap: RgbBitmap;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Where the image's left top corner lies. */
  readonly leftPx: number;
  readonly topPx: number;
  readonly fill: RgbColour;
}

/** Part of the resized image. */
export interface Window {
  readonly leftPx: number;
  readonly topPx: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

const HALF = 1 << (WEIGHT_BITS - 1);

export const bareCanvas = (bitmap: RgbBitmap): Canvas => ({
  bitmap,
  widthPx: bitmap.widthPx,
  heightPx: bitmap.heightPx,
  leftPx: 0,
  topPx: 0,
  fill: [0, 0, 0],
});

/** Resizes the canvas to widthPx × heightPx and returns the window of it, u8 [window height, window width, 3]. */
export function resizeBicubic(
  canvas: Canvas,
  widthPx: number,
  heightPx: number,
  window: Window = { leftPx: 0, topPx: 0, widthPx, heightPx },
): RgbBitmap {
  const columns = axisWeights(canvas.widthPx, widthPx, window.leftPx, window.widthPx);
  const rows = axisWeights(canvas.heightPx, heightPx, window.topPx, window.heightPx);
  const room = layOut(canvas, columns, rows, window);
  writeColumnEntries(room, canvas, columns);
  writeRowEntries(room, rows, window);
  resizeRows(room, canvas, columns, rows);
  return { widthPx: window.widthPx, heightPx: window.heightPx, pixels: combineRows(room, rows, window) };
}

/** Weights of one axis for a range of output positions. */
interface AxisWeights {
  /** First source position of each output position. */
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  /** [outputs, tapsPerOutput], 22-bit fixed point. */
  readonly weights: Int32Array;
  readonly tapsPerOutput: number;
  /** Range of source positions that any output needs. */
  readonly firstSource: number;
  readonly endSource: number;
}

function axisWeights(inSize: number, outSize: number, first: number, count: number): AxisWeights {
  if (inSize === outSize) return identityWeights(first, count);
  const scale = inSize / outSize;
  const filterScale = Math.max(scale, 1);
  const support = 2 * filterScale;
  const tapsPerOutput = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(count);
  const counts = new Int32Array(count);
  const weights = new Int32Array(count * tapsPerOutput);
  const exact = new Float64Array(tapsPerOutput);
  for (let output = 0; output < count; output += 1) {
    const centre = (first + output + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support + 0.5));
    const taps = Math.min(inSize, Math.trunc(centre + support + 0.5)) - start;
    let sum = 0;
    for (let tap = 0; tap < taps; tap += 1) {
      const weight = kernel((tap + start - centre + 0.5) * (1 / filterScale));
      exact[tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < taps; tap += 1) {
      const weight = (exact[tap] ?? 0) / (sum === 0 ? 1 : sum);
      weights[output * tapsPerOutput + tap] = Math.trunc(
        weight * 2 ** WEIGHT_BITS + (weight < 0 ? -0.5 : 0.5),
      );
    }
    starts[output] = start;
    counts[output] = taps;
  }
  return { starts, counts, weights, tapsPerOutput, ...sourceRange(starts, counts) };
}

/** A pass that changes no size copies: one tap of weight one gives every byte back. */
function identityWeights(first: number, count: number): AxisWeights {
  const starts = Int32Array.from({ length: count }, (_, output) => first + output);
  const counts = new Int32Array(count).fill(1);
  const weights = new Int32Array(count).fill(2 ** WEIGHT_BITS);
  return { starts, counts, weights, tapsPerOutput: 1, firstSource: first, endSource: first + count };
}

/** Outputs are in order, so the first starts first; the last may end before its neighbour does by one position. */
function sourceRange(starts: Int32Array, counts: Int32Array): { firstSource: number; endSource: number } {
  let end = 0;
  starts.forEach((start, output) => {
    end = Math.max(end, start + (counts[output] ?? 0));
  });
  return { firstSource: starts[0] ?? 0, endSource: end };
}

/** The cubic convolution kernel with a = −0.5. */
function kernel(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

/** Where everything lies in the kernel's memory, as byte addresses. */
interface Room {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly columnWeights: number;
  readonly columnEntries: number;
  readonly rowWeights: number;
  readonly rowEntries: number;
  /** One row of the image. */
  readonly imageRow: number;
  /** Result of the horizontal pass, from the first canvas row that the vertical pass needs. */
  readonly stripe: number;
  readonly result: number;
  readonly rowBytes: number;
}

function layOut(canvas: Canvas, columns: AxisWeights, rows: AxisWeights, window: Window): Room {
  let end = 0;
  const take = (byteCount: number): number => {
    const start = end;
    // Entries hold vectors, which lie best at multiples of 16.
    end = Math.ceil((start + byteCount + SPILL_BYTES) / 16) * 16;
    return start;
  };
  const rowBytes = window.widthPx * 3;
  const places = {
    columnWeights: take(columns.weights.byteLength),
    columnEntries: take(columns.starts.length * ENTRY_BYTES),
    rowWeights: take(rows.weights.byteLength),
    rowEntries: take(rows.starts.length * ENTRY_BYTES),
    imageRow: take(canvas.bitmap.widthPx * 3),
    stripe: take((rows.endSource - rows.firstSource) * rowBytes),
    result: take(window.heightPx * rowBytes),
  };
  const memory = tapKernel().reserve(end);
  const words = new Int32Array(memory);
  words.set(columns.weights, places.columnWeights / 4);
  words.set(rows.weights, places.rowWeights / 4);
  return { bytes: new Uint8Array(memory), words, rowBytes, ...places };
}

/** Taps on the canvas beside the image meet one colour: their part of the sum is a constant. */
function writeColumnEntries(room: Room, { bitmap, leftPx, fill }: Canvas, columns: AxisWeights): void {
  columns.starts.forEach((start, output) => {
    const first = output * columns.tapsPerOutput;
    const count = at(columns.counts, output);
    const firstTap = Math.min(count, Math.max(0, leftPx - start));
    const endTap = Math.max(firstTap, Math.min(count, leftPx + bitmap.widthPx - start));
    const margin =
      sumOf(columns.weights, first, first + firstTap) + sumOf(columns.weights, first + endTap, first + count);
    const weights = room.columnWeights + first * 4;
    room.words.set(
      [
        ...[(start + firstTap - leftPx) * 3, weights + firstTap * 4, weights + endTap * 4, 0],
        ...fill.map((value) => HALF + margin * value),
        0,
      ],
      (room.columnEntries + output * ENTRY_BYTES) / 4,
    );
  });
}

function writeRowEntries(room: Room, rows: AxisWeights, window: Window): void {
  for (let output = 0; output < window.heightPx; output += 1) {
    const weights = room.rowWeights + output * rows.tapsPerOutput * 4;
    const offset = (at(rows.starts, output) - rows.firstSource) * room.rowBytes;
    const entry = [offset, weights, weights + at(rows.counts, output) * 4, 0, HALF, HALF, HALF, HALF];
    room.words.set(entry, (room.rowEntries + output * ENTRY_BYTES) / 4);
  }
}

/** The horizontal pass, rows in order: each output spills one byte onto the next. */
function resizeRows(room: Room, canvas: Canvas, columns: AxisWeights, rows: AxisWeights): void {
  const { bitmap, topPx } = canvas;
  const imageRowBytes = bitmap.widthPx * 3;
  let fillRow: Uint8Array | undefined;
  for (let row = rows.firstSource; row < rows.endSource; row += 1) {
    const target = room.stripe + (row - rows.firstSource) * room.rowBytes;
    const from = (row - topPx) * imageRowBytes;
    if (row < topPx || row >= topPx + bitmap.heightPx) {
      fillRow ??= constantRow(columns, canvas.fill);
      room.bytes.set(fillRow, target);
      continue;
    }
    room.bytes.set(bitmap.pixels.subarray(from, from + imageRowBytes), room.imageRow);
    tapKernel().run({
      target,
      targetStep: 3,
      source: room.imageRow,
      sourceStep: 0,
      tapStep: 3,
      entry: room.columnEntries,
      entryStep: ENTRY_BYTES,
      outputs: columns.starts.length,
    });
  }
}

/** A canvas row without image; resizing changes no byte of it except by the rounding of the weights. */
function constantRow(columns: AxisWeights, fill: RgbColour): Uint8Array {
  const row = new Uint8ClampedArray(columns.starts.length * 3);
  columns.counts.forEach((count, output) => {
    const first = output * columns.tapsPerOutput;
    const sum = sumOf(columns.weights, first, first + count);
    fill.forEach((value, channel) => {
      row[output * 3 + channel] = (HALF + sum * value) >> WEIGHT_BITS;
    });
  });
  return new Uint8Array(row.buffer);
}

/** The vertical pass: four neighbouring bytes of a row at a time. */
function combineRows(room: Room, rows: AxisWeights, window: Window): Uint8Array {
  for (let output = 0; output < window.heightPx; output += 1) {
    tapKernel().run({
      target: room.result + output * room.rowBytes,
      targetStep: 4,
      source: room.stripe,
      sourceStep: 4,
      tapStep: room.rowBytes,
      entry: room.rowEntries + output * ENTRY_BYTES,
      entryStep: 0,
      outputs: Math.ceil(room.rowBytes / 4),
    });
  }
  return room.bytes.slice(room.result, room.result + window.heightPx * room.rowBytes);
}

// Indices are computed inside the arrays; the fallback only satisfies the compiler.
const at = (values: Int32Array, index: number): number => values[index] ?? 0;

const sumOf = (values: Int32Array, first: number, end: number): number =>
  values.subarray(first, end).reduce((sum, value) => sum + value, 0);

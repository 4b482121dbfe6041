// Pillow's 8-bit bicubic resize, bit for bit: antialiased, 22-bit fixed-point weights, rounded to 8 bits between the passes,
// horizontal pass first. Ported from python-pillow, src/libImaging/Resample.c, revision 01f132fb (precompute_coeffs,
// normalize_coeffs_8bpc, ImagingResampleHorizontal_8bpc, ImagingResampleVertical_8bpc). Two additions that change no pixel:
// the source may lie on a larger canvas of one colour that is never built, and only a window of the result is computed.
import type { RgbBitmap, RgbColour } from './bitmap.js';

/** A picture on a canvas of one colour. */
export interface Canvas {
  readonly bitmap: RgbBitmap;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Where the picture's left top corner lies. */
  readonly leftPx: number;
  readonly topPx: number;
  readonly fill: RgbColour;
}

/** Part of the resized picture. */
export interface Window {
  readonly leftPx: number;
  readonly topPx: number;
  readonly widthPx: number;
  readonly heightPx: number;
}

const WEIGHT_BITS = 22;
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
  const stripe = resizeRows(canvas, columns, rows.firstSource, rows.endSource);
  return { widthPx: window.widthPx, heightPx: window.heightPx, pixels: combineRows(stripe, rows, window) };
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

/** The horizontal pass over canvas rows first … end − 1: [end − first, columns, 3] u8. */
interface Stripe {
  readonly firstRow: number;
  readonly pixels: Uint8Array;
}

function resizeRows(canvas: Canvas, columns: AxisWeights, first: number, end: number): Stripe {
  const { bitmap, topPx, leftPx, fill } = canvas;
  const width = columns.starts.length;
  const pixels = new Uint8Array((end - first) * width * 3);
  const { taps, margins } = splitAtPicture(columns, leftPx, bitmap.widthPx);
  let fillRow: Uint8Array | undefined;
  for (let row = first; row < end; row += 1) {
    const target = (row - first) * width * 3;
    const source = row - topPx;
    if (source >= 0 && source < bitmap.heightPx) {
      resizeRow(bitmap.pixels, source * bitmap.widthPx * 3, columns, taps, margins, fill, pixels, target);
    } else {
      fillRow ??= constantRow(columns, fill);
      pixels.set(fillRow, target);
    }
  }
  return { firstRow: first, pixels };
}

/** For each output column: taps that fall on the picture, and the summed weight of those beside it. */
interface PictureTaps {
  /** [outputs, 3]: first picture column, first tap, number of taps. */
  readonly taps: Int32Array;
  /** Summed weight of the taps on the canvas beside the picture. */
  readonly margins: Int32Array;
}

function splitAtPicture(columns: AxisWeights, leftPx: number, widthPx: number): PictureTaps {
  const taps = new Int32Array(columns.starts.length * 3);
  const margins = new Int32Array(columns.starts.length);
  columns.starts.forEach((start, output) => {
    const count = columns.counts[output] ?? 0;
    const firstTap = Math.min(count, Math.max(0, leftPx - start));
    const endTap = Math.max(firstTap, Math.min(count, leftPx + widthPx - start));
    let margin = 0;
    for (let tap = 0; tap < count; tap += 1) {
      if (tap < firstTap || tap >= endTap)
        margin += columns.weights[output * columns.tapsPerOutput + tap] ?? 0;
    }
    taps.set(
      [start + firstTap - leftPx, output * columns.tapsPerOutput + firstTap, endTap - firstTap],
      output * 3,
    );
    margins[output] = margin;
  });
  return { taps, margins };
}

function resizeRow(
  source: Uint8Array,
  rowOffset: number,
  columns: AxisWeights,
  taps: Int32Array,
  margins: Int32Array,
  fill: RgbColour,
  target: Uint8Array,
  targetOffset: number,
): void {
  const { weights } = columns;
  for (let output = 0; output < margins.length; output += 1) {
    let from = rowOffset + at(taps, output * 3) * 3;
    const firstTap = at(taps, output * 3 + 1);
    const endTap = firstTap + at(taps, output * 3 + 2);
    const margin = at(margins, output);
    let r = (HALF + margin * fill[0]) | 0;
    let g = (HALF + margin * fill[1]) | 0;
    let b = (HALF + margin * fill[2]) | 0;
    for (let tap = firstTap; tap < endTap; tap += 1, from += 3) {
      const weight = at(weights, tap);
      r = (r + Math.imul(weight, byte(source, from))) | 0;
      g = (g + Math.imul(weight, byte(source, from + 1))) | 0;
      b = (b + Math.imul(weight, byte(source, from + 2))) | 0;
    }
    const to = targetOffset + output * 3;
    target[to] = clamp8(r);
    target[to + 1] = clamp8(g);
    target[to + 2] = clamp8(b);
  }
}

/** A canvas row without picture; resizing changes no byte of it except by the rounding of the weights. */
function constantRow(columns: AxisWeights, fill: RgbColour): Uint8Array {
  const row = new Uint8Array(columns.starts.length * 3);
  columns.counts.forEach((count, output) => {
    const weights = columns.weights.subarray(
      output * columns.tapsPerOutput,
      output * columns.tapsPerOutput + count,
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    fill.forEach((value, channel) => {
      row[output * 3 + channel] = clamp8((HALF + sum * value) | 0);
    });
  });
  return row;
}

function combineRows(stripe: Stripe, rows: AxisWeights, window: Window): Uint8Array {
  const rowBytes = window.widthPx * 3;
  const result = new Uint8Array(window.heightPx * rowBytes);
  const sums = new Int32Array(rowBytes);
  for (let output = 0; output < window.heightPx; output += 1) {
    sums.fill(HALF);
    const start = at(rows.starts, output) - stripe.firstRow;
    const count = at(rows.counts, output);
    for (let tap = 0; tap < count; tap += 1) {
      const weight = at(rows.weights, output * rows.tapsPerOutput + tap);
      const from = (start + tap) * rowBytes;
      for (let i = 0; i < rowBytes; i += 1)
        sums[i] = (at(sums, i) + Math.imul(weight, byte(stripe.pixels, from + i))) | 0;
    }
    for (let i = 0; i < rowBytes; i += 1) result[output * rowBytes + i] = clamp8(at(sums, i));
  }
  return result;
}

const clamp8 = (sum: number): number => {
  const value = sum >> WEIGHT_BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
};

// Indices are computed inside the arrays; the fallback only satisfies the compiler.
const at = (values: Int32Array, index: number): number => values[index] ?? 0;
const byte = (values: Uint8Array, index: number): number => values[index] ?? 0;

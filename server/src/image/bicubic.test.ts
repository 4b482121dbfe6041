import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bareCanvas, resizeBicubic } from './bicubic.js';
import type { RgbColour } from './bitmap.js';
import { noise } from './noise.fixture.js';

const folder = new URL('../../../test/goldens/pil-bicubic/', import.meta.url);
interface Side {
  width: number;
  height: number;
  file: string;
}
const { cases } = JSON.parse(readFileSync(new URL('cases.json', folder), 'utf8')) as {
  cases: { name: string; from: Side; to: Side }[];
};

describe('resizeBicubic', () => {
  it.each(cases)('equals Pillow byte for byte: $name', ({ from, to }) => {
    const pixels = new Uint8Array(readFileSync(new URL(from.file, folder)));
    const bitmap = { widthPx: from.width, heightPx: from.height, pixels };
    const resized = resizeBicubic(bareCanvas(bitmap), to.width, to.height);
    expect(Buffer.compare(resized.pixels, readFileSync(new URL(to.file, folder)))).toBe(0);
  });

  it.each([
    { w: 37, h: 12, out: 14 },
    { w: 9, h: 50, out: 33 },
    { w: 100, h: 99, out: 28 },
    { w: 200, h: 3, out: 24 },
  ])('on a canvas equals resizing the canvas itself: $w × $h to $out', ({ w, h, out }) => {
    const bitmap = noise(w, h, 7);
    const side = Math.max(w, h);
    const fill: RgbColour = [122, 116, 104];
    const leftPx = Math.floor((side - w) / 2);
    const topPx = Math.floor((side - h) / 2);
    const built = new Uint8Array(side * side * 3).map((_, i) => fill[i % 3] ?? 0);
    for (let y = 0; y < h; y += 1)
      built.set(bitmap.pixels.subarray(y * w * 3, (y + 1) * w * 3), ((y + topPx) * side + leftPx) * 3);
    const expected = resizeBicubic(bareCanvas({ widthPx: side, heightPx: side, pixels: built }), out, out);
    const canvas = { bitmap, widthPx: side, heightPx: side, leftPx, topPx, fill };
    expect(Buffer.compare(resizeBicubic(canvas, out, out).pixels, expected.pixels)).toBe(0);
  });

  it('computes a window as part of the whole', () => {
    const bitmap = noise(61, 40, 3);
    const whole = resizeBicubic(bareCanvas(bitmap), 30, 90).pixels;
    const window = resizeBicubic(bareCanvas(bitmap), 30, 90, {
      leftPx: 4,
      topPx: 50,
      widthPx: 11,
      heightPx: 7,
    }).pixels;
    for (let y = 0; y < 7; y += 1) {
      const line = whole.subarray(((50 + y) * 30 + 4) * 3, ((50 + y) * 30 + 15) * 3);
      expect(window.subarray(y * 33, (y + 1) * 33)).toEqual(line);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { greyOnWhite, onWhite, rgbaOnWhite } from './on-white.js';

describe('transparency on white', () => {
  it('is rounded like Pillow for every value and alpha', () => {
    for (let value = 0; value < 256; value += 1)
      for (let alpha = 0; alpha < 256; alpha += 1)
        expect(onWhite(value, alpha)).toBe(Math.floor((value * alpha + 255 * (255 - alpha)) / 255 + 0.5));
  });

  it('has the values of Pillow 12.3 where cutting off would give one less', () => {
    expect([onWhite(10, 64), onWhite(10, 254), onWhite(77, 128), onWhite(200, 1)]).toEqual([
      194, 11, 166, 255,
    ]);
  });

  it('leaves one colour for each pixel, of RGBA and of grey with alpha', () => {
    const rgba = Uint8Array.of(9, 8, 7, 255, 1, 2, 3, 0, 10, 77, 200, 64);
    expect([...rgbaOnWhite(rgba)]).toEqual([9, 8, 7, 255, 255, 255, 194, 210, 241]);
    expect([...greyOnWhite(Uint8Array.of(9, 255, 1, 0, 10, 128))]).toEqual([9, 255, 132]);
  });
});

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { noise } from './noise.fixture.js';
import { resizeImage } from './resize.js';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('resizeImage', () => {
  // SHA-256 of what Image.resize of Pillow 12.3.0 (bicubic) makes of the same noise.
  it.each([
    [3, 400, 28, 28, '835b96e7b36cbf0a87ea0d328d8d4c906f0635b2ede88f0ba980e0aa7622f3df'],
    [3, 301, 1, 84, '0d4ca063e6df950dacfb23dc516c13169e34caee206c63768786478e5e11b726'],
    [2, 250, 2, 31, '88d42ec01b99cddfd517293b4abbe62072d87d72063724c7ca67fefa2b1ad783'],
    [4, 401, 9, 40, '6ef1ca1fa7b07b3038c67e5bfbe62838ac8c3298b20a90b998118f0993b4d19c'],
    [2, 8191, 20, 77, '47a60129b4dfe14f41e84c45d88cf33e5adf1a6a67231e34378aee15ba5f790e'],
    [1, 101, 5, 100, '50540ffbf8865880842fc2a2e6768be4a0eccd28dcf341744f3dab7a655b13c6'],
    // Not higher than 100 widths; a height that stays; one that grows: horizontally first.
    [3, 300, 28, 28, '830ff8875c6ff84715e600b507712d040f941ee8039eb43f92e44a1918907801'],
    [3, 301, 28, 301, 'e0c7af452a80c4267b29570a1b230ad9a158473d344f6c1ecdfa8421a40c30ca'],
    [1, 101, 5, 102, '3232934eaa058fbac787063cdba14f60c5d057e9e1b0e595879cae0e17cfab7d'],
  ])('equals Pillow byte for byte: %i × %i to %i × %i', (width, height, toWidth, toHeight, expected) => {
    expect(sha256(resizeImage(noise(width, height), toWidth, toHeight).pixels)).toBe(expected);
  });

  it('computes a window of a tall image as part of the whole', () => {
    const bitmap = noise(3, 700);
    const whole = resizeImage(bitmap, 30, 90).pixels;
    const window = { leftPx: 4, topPx: 50, widthPx: 11, heightPx: 7 };
    const { pixels } = resizeImage(bitmap, 30, 90, window);
    for (let y = 0; y < 7; y += 1) {
      const line = whole.subarray(((50 + y) * 30 + 4) * 3, ((50 + y) * 30 + 15) * 3);
      expect(pixels.subarray(y * 33, (y + 1) * 33)).toEqual(line);
    }
  });
});

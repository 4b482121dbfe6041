import { describe, expect, it } from 'vitest';
import { chooseTextQuantForGpu } from './quantisation.js';

const GIB = 2 ** 30;

/** LLaVA 1.5 7b, tower and one full sequence included. */
const NEEDS = [
  { type: 'f16', totalBytes: 15.2 * GIB },
  { type: 'q8_0', totalBytes: 9.3 * GIB },
  { type: 'q4_0', totalBytes: 6.2 * GIB },
] as const;

describe('chooseTextQuantForGpu', () => {
  it.each([
    [80, 'f16'],
    [24, 'f16'],
    [16, 'q8_0'],
    [12, 'q8_0'],
    [8, 'q4_0'],
    [4, 'q4_0'],
  ])('stores a 7 B model for a GPU of %i GiB as %s', (gib, type) => {
    expect(chooseTextQuantForGpu(NEEDS, gib * GIB)).toBe(type);
  });
});

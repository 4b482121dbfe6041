import { expect, it } from 'vitest';
import { FITTED, shifted, zoomed } from './zoom.js';

it('zoomed keeps what is in the middle there', () =>
  expect(zoomed({ scale: 2, x: 10, y: -4 }, 2)).toEqual({ scale: 4, x: 20, y: -8 }));

it('zoomed ends at sixteen times, and back in place', () => {
  expect(zoomed(FITTED, 100).scale).toBe(16);
  expect(zoomed({ scale: 1.5, x: 30, y: 0 }, 1 / 1.5)).toEqual(FITTED);
});

it('shifted moves an enlarged image only', () => {
  expect(shifted({ scale: 2, x: 1, y: 1 }, 5, 6)).toEqual({ scale: 2, x: 6, y: 7 });
  expect(shifted(FITTED, 5, 6)).toEqual(FITTED);
});

import { expect, it } from 'vitest';
import type { ImagePayload } from '../../link/requests/messages.js';
import { DecodedImages, type DecodedImageKey } from './decoded-images.js';

const image = (bytes: number): ImagePayload => ({
  sha256: 'f'.repeat(64),
  widthPx: 1,
  heightPx: 1,
  sidePx: 1,
  tiles: new Uint8Array(bytes),
});
const key = (sha256: string): DecodedImageKey => ({
  sha256,
  form: { aspect: 'whole', maxPixels: 1 },
  cacheSalt: null,
});

it('lets those go that nobody has asked about for longest, and takes none that is too large', () => {
  const images = new DecodedImages(100);
  images.keep(key('a'), image(40));
  images.keep(key('b'), image(40));
  expect(images.find(key('a'))).toEqual(image(40));
  images.keep(key('c'), image(40));
  expect(['a', 'b', 'c'].filter((name) => images.find(key(name)) !== undefined)).toEqual(['a', 'c']);
  images.keep(key('d'), image(101));
  expect(['a', 'c', 'd'].filter((name) => images.find(key(name)) !== undefined)).toEqual(['a', 'c']);
});

it('holds the tiles and nothing of the message that they came in', () => {
  const images = new DecodedImages(100);
  images.keep(key('a'), { ...image(0), tiles: new Uint8Array(1000).subarray(500, 510) });
  expect(images.find(key('a'))?.tiles.buffer.byteLength).toBe(10);
});

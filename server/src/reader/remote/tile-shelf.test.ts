import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { TileShelf } from './tile-shelf.js';

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const put = (shelf: TileShelf, bytes: Uint8Array): string => {
  expect(shelf.put(hashOf(bytes), bytes)).toBe(true);
  return hashOf(bytes);
};

describe('the shelf of tiles', () => {
  it('gives back what was put there', () => {
    const shelf = new TileShelf();
    const tiles = Uint8Array.of(1, 2);
    expect(shelf.take(put(shelf, tiles))).toBe(tiles);
  });

  it('keeps nothing whose bytes are not what their name says', () => {
    const shelf = new TileShelf();
    expect(shelf.put(hashOf(Uint8Array.of(1)), Uint8Array.of(2))).toBe(false);
    expect(shelf.hashes).toEqual([]);
  });

  it('names what was used last first, and of 65 images forgets the one that was used longest ago', () => {
    const shelf = new TileShelf();
    const hashes = Array.from({ length: 64 }, (_, index) => put(shelf, Uint8Array.of(index)));
    shelf.take(hashes[0] ?? '');
    const newest = put(shelf, Uint8Array.of(64));
    expect(shelf.hashes.slice(0, 2)).toEqual([newest, hashes[0]]);
    expect(shelf.hashes).not.toContain(hashes[1]);
    expect(shelf.hashes).toHaveLength(64);
  });

  it('keeps no more than 128 MiB', () => {
    const shelf = new TileShelf();
    const large = (first: number): Uint8Array => new Uint8Array(60 * 1024 * 1024).fill(first, 0, 1);
    put(shelf, large(1));
    put(shelf, large(2));
    put(shelf, large(3));
    expect(shelf.hashes).toHaveLength(2);
  });
});

// Tiles of the images that this reader was asked about last, by their own hash, so that gateways need not send them again. Bounded in
// bytes and in number; the newest stay.
import { createHash } from 'node:crypto';

const MAX_BYTES = 128 * 1024 * 1024;
const MAX_IMAGES = 64;

export class TileShelf {
  /** Least recently used first. */
  readonly #tiles = new Map<string, Uint8Array>();
  #bytes = 0;

  /** Hashes of what is kept, newest first. */
  get hashes(): string[] {
    return [...this.#tiles.keys()].reverse();
  }

  take(sha256: string): Uint8Array | undefined {
    const tiles = this.#tiles.get(sha256);
    if (tiles === undefined) return undefined;
    this.#tiles.delete(sha256);
    this.#tiles.set(sha256, tiles);
    return tiles;
  }

  /** Whether the bytes are what they are said to be; those are kept. Native code runs over them, so that nobody else's word counts. */
  put(sha256: string, tiles: Uint8Array): boolean {
    if (createHash('sha256').update(tiles).digest('hex') !== sha256) return false;
    if (this.#tiles.has(sha256)) return true;
    this.#tiles.set(sha256, tiles);
    this.#bytes += tiles.byteLength;
    for (const [oldest, { byteLength }] of this.#tiles) {
      if (this.#bytes <= MAX_BYTES && this.#tiles.size <= MAX_IMAGES) break;
      this.#tiles.delete(oldest);
      this.#bytes -= byteLength;
    }
    return true;
  }
}

// A set of files. It keeps a short hash of each path, so that a million images take some tens of megabytes and two spellings of a path
// are one.
import { createHash } from 'node:crypto';
import path from 'node:path';

/** In base64: 132 bits. */
const KEY_CHARACTERS = 22;

export class PathSet {
  readonly #keys = new Set<string>();

  get count(): number {
    return this.#keys.size;
  }

  has(file: string): boolean {
    return this.#keys.has(keyOf(file));
  }

  /** Whether it was not there before. */
  add(file: string): boolean {
    const before = this.#keys.size;
    return this.#keys.add(keyOf(file)).size > before;
  }
}

/** A cryptographic hash, because two paths with one key would leave an image out in silence. */
const keyOf = (file: string): string =>
  createHash('sha256').update(path.resolve(file)).digest('base64').slice(0, KEY_CHARACTERS);

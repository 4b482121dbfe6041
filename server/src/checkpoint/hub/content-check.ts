// Whether what arrived is what the hub has: SHA-256 of the content, or, for files that lie in git itself, git's own hash.
import { createHash, type Hash } from 'node:crypto';
import type { HubFile } from './listing.js';

export class ContentCheck {
  readonly #file: HubFile;
  #hash: Hash;

  constructor(file: HubFile) {
    this.#file = file;
    this.#hash = startHash(file);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  restart(): void {
    this.#hash = startHash(this.#file);
  }

  /** What is wrong with the whole content, or undefined. Ends the check until it is restarted. */
  problem(): string | undefined {
    const got = this.#hash.digest('hex');
    const { kind, hex } = this.#file.hash;
    return got === hex
      ? undefined
      : `Its ${kind === 'git' ? 'git hash' : 'SHA-256'} is ${got}, but the hub promises ${hex}.`;
  }
}

function startHash({ hash, sizeBytes }: HubFile): Hash {
  return hash.kind === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${sizeBytes}\0`);
}

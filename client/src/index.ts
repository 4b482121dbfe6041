// The library for every runtime. Runtimes with a file system get node.ts instead, which also reads paths.
import { ClientCore } from './client-core.js';
import { InvalidInputError } from './errors.js';
import type { ClientOptions } from './options.js';

export * from './exports.js';

/** A client of one Takeoff server. */
export class TakeoffClient extends ClientCore {
  /** @throws InvalidInputError */
  constructor(options: ClientOptions = {}) {
    super(options, () => {
      throw new InvalidInputError(
        'image is a path, and this runtime reads no files by their path; pass the File of an <input type="file">, a Blob or the bytes.',
      );
    });
  }
}

// The library for runtimes with Node's file system (Node, Bun, Deno): the same, and images may be paths.
import { readFile } from 'node:fs/promises';
import { ClientCore } from './client-core.js';
import { InvalidInputError } from './errors.js';
import type { ClientOptions } from './options.js';

export * from './exports.js';

/** A client of one Takeoff server. */
export class TakeoffClient extends ClientCore {
  /** @throws InvalidInputError */
  constructor(options: ClientOptions = {}) {
    super(options, readPath);
  }
}

async function readPath(path: string, signal: AbortSignal): Promise<Blob> {
  const bytes = await readFile(path, { signal }).catch((cause: unknown) => {
    signal.throwIfAborted();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidInputError(`image is the path ${JSON.stringify(path)}, which cannot be read: ${why}.`, {
      cause,
    });
  });
  return new Blob([bytes]);
}

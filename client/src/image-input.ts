// Makes a Blob out of what a caller has, where that is not the bytes of the image already. Everything is read before the request begins, so that a request can be
// sent again; nothing is decoded or changed, and nothing is ever fetched from a remote address.
import { InvalidInputError } from './errors.js';
import type { ImageInput } from './options.js';

/** Reads a file where the runtime can. */
export type ReadPath = (path: string, signal: AbortSignal) => Promise<Blob>;

/** The most that a server can be told to take (body_size_limit_bytes); a stream without an end stops here. */
const MAX_IMAGE_BYTES = 2 ** 31;

const ALLOWED =
  'a path (in Node, Bun and Deno), a Uint8Array, an ArrayBuffer, a Blob, a File or a ReadableStream of bytes';

/** Whether the bytes are at hand. */
export const isBytes = (image: ImageInput): image is Uint8Array | ArrayBuffer =>
  ArrayBuffer.isView(image) || isArrayBuffer(image);

/** @throws InvalidInputError for what is no image's bytes */
export async function imageBlob(
  image: Exclude<ImageInput, Uint8Array | ArrayBuffer>,
  readPath: ReadPath,
  signal: AbortSignal,
): Promise<Blob> {
  if (typeof image === 'string') {
    validateNoAddress(image);
    return readPath(image, signal);
  }
  if (isBlob(image)) return image;
  if (isReadableStream(image)) return collect(image, signal);
  throw new InvalidInputError(`image is ${describe(image)}; allowed is ${ALLOWED}.`);
}

function validateNoAddress(text: string): void {
  const scheme = /^([a-z][a-z0-9+.-]+):/iu.exec(text)?.[1]?.toLowerCase();
  if (scheme === 'http' || scheme === 'https')
    throw new InvalidInputError(
      'image is a web address, and this library fetches nothing. To let the server fetch it, write the tag <image:URL> into the ' +
        'text and leave image out; the operator must have allowed that with allow_remote_images (TAKEOFF_ALLOW_REMOTE_IMAGES), ' +
        'which is off by default. Or fetch it yourself and pass the bytes.',
    );
  if (scheme === 'data' || scheme === 'blob' || scheme === 'file')
    throw new InvalidInputError(`image is a ${scheme}: address, which is not read; allowed is ${ALLOWED}.`);
}

async function collect(stream: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<Blob> {
  const reader = stream.getReader();
  const stop = (): void => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) break;
      if (!ArrayBuffer.isView(value))
        throw new InvalidInputError(`image is a stream of ${describe(value)}; allowed is one of Uint8Array.`);
      bytes += value.byteLength;
      if (bytes > MAX_IMAGE_BYTES)
        throw new InvalidInputError(
          `image is a stream of more than ${MAX_IMAGE_BYTES} bytes, more than any server takes.`,
        );
      chunks.push(new Uint8Array(value));
    }
    signal.throwIfAborted();
  } catch (error) {
    stop();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
  return new Blob(chunks);
}

// Recognised by their tag and not by instanceof: a frame, a worker or a test environment has classes of its own.
const tagOf = (value: unknown): string => Object.prototype.toString.call(value);
const isBlob = (value: object): value is Blob => ['[object Blob]', '[object File]'].includes(tagOf(value));
const isArrayBuffer = (value: unknown): value is ArrayBuffer => tagOf(value) === '[object ArrayBuffer]';
const isReadableStream = (value: object | null): value is ReadableStream<Uint8Array> =>
  typeof value === 'object' &&
  value !== null &&
  'getReader' in value &&
  typeof value.getReader === 'function';

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const made: unknown = value.constructor;
  return `an object of ${typeof made === 'function' ? made.name : 'no class'}`;
}

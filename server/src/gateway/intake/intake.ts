// The one way of images into the server: bytes, uploaded or fetched under their own limits, are sniffed, their header is
// validated, a child decodes and tiles them, unless one has done that a short while ago. Nothing a client says about the bytes (type,
// name) is looked at.
import { webcrypto } from 'node:crypto';
import { Defect } from '../../errors.js';
import type { ImagePayload } from '../../link/requests/messages.js';
import type { ImageForm } from '../../model/description.js';
import { layoutImage } from '../../image/geometry.js';
import { wholeSize, type PixelSize } from '../../image/whole.js';
import type { Decoded } from './decoder-process.js';
import type { DecoderPool } from './decoder-pool.js';
import { DECODED_IMAGES_BYTES, DecodedImages } from './decoded-images.js';
import { validateSize, type ImageLimits, readHeader } from './header.js';
import type { ImageSource } from './image-source.js';
import type { FetchSlots } from './remote/fetch-slots.js';
import type { RemoteFetcher } from './remote/fetcher.js';
import { sniffFormat } from './sniff.js';

export interface Intake {
  /**
   * Fails with `image.format_unsupported`, `image.undecodable`, `image.too_large`, `image.decode_timeout`, `image.decoder_busy`,
   * `image.decoder_failed`, `server.draining`, the codes of the fetcher and its slots for a URL, or the signal's reason.
   */
  prepare(source: ImageSource, use: ImageUse, signal: AbortSignal): Promise<ImagePayload>;
}

/** What the images of a request are wanted for. */
export interface ImageUse {
  readonly form: ImageForm;
  /** Who has another one shares nothing that was made of an image. */
  readonly cacheSalt: string | null;
}

/** What fetches images that prompts name. */
export interface RemoteImages {
  readonly fetcher: RemoteFetcher;
  readonly slots: FetchSlots;
}

export interface IntakeOptions {
  readonly limits: ImageLimits;
  readonly pool: DecoderPool;
  /** Null where the operator does not allow it: then nothing in the server can open a connection to anywhere. */
  readonly remote: RemoteImages | null;
}

export function createIntake({ limits, pool, remote }: IntakeOptions): Intake {
  const recent = new DecodedImages(DECODED_IMAGES_BYTES);
  const prepareBytes: PrepareBytes = async (bytes, { form, cacheSalt }, signal) => {
    const format = sniffFormat(bytes);
    validateSize(readHeader(bytes, format), limits);
    const key = { sha256: await hash(bytes), form, cacheSalt };
    const known = recent.find(key);
    if (known !== undefined) return known;
    const job = { kind: 'decode', bytes, format, maxImagePixels: limits.maxImagePixels, form } as const;
    const decoded = await pool.decode(job, signal);
    validateForm(decoded, form);
    const { widthPx, heightPx, tiles } = decoded;
    const sidePx = form.aspect === 'whole' ? null : form.sidePx;
    const image = { sha256: key.sha256, widthPx, heightPx, sidePx, tiles };
    recent.keep(key, image);
    return image;
  };
  return {
    prepare(source, use, signal) {
      if (source.kind === 'upload') return prepareBytes(source.bytes, use, signal);
      if (remote === null)
        return Promise.reject(new Defect('A URL reached the intake of a server without a fetcher.'));
      // The slot is kept while decoding, too: it bounds the fetched bytes that are in memory.
      return remote.slots.use(signal, async () =>
        prepareBytes(await remote.fetcher.fetch(source.url, signal), use, signal),
      );
    },
  };
}

type PrepareBytes = (bytes: Uint8Array, use: ImageUse, signal: AbortSignal) => Promise<ImagePayload>;

/** The child runs hostile bytes: what does not follow from the size must not reach a reader, nor a cluster behind one. */
function validateForm({ widthPx, heightPx, tiles }: Decoded, form: ImageForm): void {
  if (form.aspect === 'whole') {
    const expected = wholeSize({ widthPx, heightPx }, form.maxPixels);
    const got = readHeader(tiles, 'png');
    const isExpected = got.widthPx === expected.widthPx && got.heightPx === expected.heightPx;
    if (!isExpected || tiles.length > maxPngBytes(expected))
      throw new Defect(`The decoder gave ${tiles.length} bytes that are not the image it was asked for.`);
    return;
  }
  const expected = layoutImage(widthPx, heightPx, form).tileCount * form.sidePx ** 2 * 3;
  if (tiles.length !== expected) {
    throw new Defect(`The decoder gave ${tiles.length} bytes for an image of ${expected}.`);
  }
}

/** Of pixels that cannot be compressed: a byte more for each row, and what deflate and the format add. */
const maxPngBytes = ({ widthPx, heightPx }: PixelSize): number =>
  Math.ceil((widthPx * 3 + 1) * heightPx * 1.01) + 1024;

/** SHA-256 in lower-case hex, computed on the thread pool: 20 MB would hold the event loop for tens of milliseconds. */
async function hash(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
}

// The child that converts one image: reads the file, decodes its first page, and writes PNG or JPEG to standard output. It ends with a
// sentence on standard error and the exit code REFUSED where the image is at fault. It runs hostile bytes through C code and WebAssembly.
import { readFile, stat } from 'node:fs/promises';
import { InputError } from '../../../../errors.js';
import { REFUSED } from '../refused.js';
import { decodeHeic } from './decode-heic.js';
import { decodeWithSharp, prepareDecoder } from './decode-with-sharp.js';
import { encode } from './encode.js';

/** A TIFF of 50 megapixels with 16 bits and alpha has 400 MB. */
const MAX_FILE_BYTES = 512 * 2 ** 20;

const [, , format = '', pixels = '', file = ''] = process.argv;

// The parent finishes what is in flight after a first Ctrl-C, which reaches the whole group of processes.
process.on('SIGINT', () => undefined);

async function convert(): Promise<Buffer> {
  prepareDecoder();
  const { size } = await stat(file);
  if (size > MAX_FILE_BYTES)
    throw new InputError('image.too_large', `It has ${size} bytes; allowed are ${MAX_FILE_BYTES} (fixed).`);
  const bytes = await readFile(file);
  const maxPixels = Number(pixels);
  return encode(await (format === 'HEIC' ? decodeHeic(bytes, maxPixels) : decodeWithSharp(bytes, maxPixels)));
}

function refuse(error: unknown): void {
  if (!(error instanceof InputError)) throw error;
  process.stderr.write(error.message);
  process.exitCode = REFUSED;
}

await convert().then((image) => process.stdout.write(image), refuse);

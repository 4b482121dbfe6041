// Bodies with a Content-Encoding. One coding is undone, within the limit that holds for bodies as they are: gzip, deflate or br.
// Several on top of each other, and others, are refused by name, with the header that says what is taken (RFC 9110, 12.5.3).
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, type InputType } from 'node:zlib';
import type { FastifyInstance } from 'fastify';
import { InputError } from '../../../errors.js';
import { bodyTooLarge } from './body-limit.js';

const CODINGS = ['gzip', 'deflate', 'br'] as const;
export type Coding = (typeof CODINGS)[number];

/** RFC 9110, 8.4.1.3: the same as gzip. */
const GZIP_ALIAS = 'x-gzip';
const ACCEPTED = CODINGS.join(', ');
/** Of a header that a client chose. */
const MAX_SHOWN_CHARACTERS = 60;

/** Of these no body is read, whatever a header says of it. */
const BODILESS_METHODS: readonly string[] = ['GET', 'HEAD'];

/** Refuses what cannot be undone before any of the body is read. */
export function addEncodingCheck(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    try {
      if (!BODILESS_METHODS.includes(request.method)) codingOf(request.headers['content-encoding']);
    } catch (error) {
      void reply.header('accept-encoding', ACCEPTED);
      throw error;
    }
    done();
  });
}

/**
 * Null where the body is sent as it is.
 * @throws InputError request.encoding_unsupported
 */
export function codingOf(header: string | undefined): Coding | null {
  if (header === undefined) return null;
  const names = header
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  const [name] = names;
  if (name === undefined) return null;
  const coding = CODINGS.find((known) => known === (name === GZIP_ALIAS ? 'gzip' : name));
  if (coding !== undefined && names.length === 1) return coding;
  const shown = names.join(', ').slice(0, MAX_SHOWN_CHARACTERS);
  throw new InputError(
    'request.encoding_unsupported',
    `Content-Encoding is ${JSON.stringify(shown)}; allowed is one of ${ACCEPTED}, or none. Images are compressed already: send the body as it is.`,
  );
}

/**
 * Undoes the coding; stops as soon as more than `limitBytes` have come out.
 * @throws InputError request.body_too_large, request.encoding_broken
 */
export async function decodeBody(bytes: Buffer, coding: Coding, limitBytes: number): Promise<Buffer> {
  try {
    return await decoderOf(coding, bytes)(bytes, { maxOutputLength: limitBytes });
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (reason === 'ERR_BUFFER_TOO_LARGE')
      throw bodyTooLarge('is larger when it is decompressed', limitBytes);
    const why =
      reason === 'Z_BUF_ERROR' ? 'its data end too early' : `its bytes are no ${coding} data, or are damaged`;
    throw new InputError(
      'request.encoding_broken',
      `The request body is not what Content-Encoding: ${coding} says: ${why}. Leave the header out where the body is sent as it is.`,
      { cause },
    );
  }
}

interface DecodeOptions {
  readonly maxOutputLength: number;
}
type Decode = (bytes: InputType, options: DecodeOptions) => Promise<Buffer>;

const DECODERS = {
  gzip: promisify<InputType, DecodeOptions, Buffer>(gunzip),
  zlib: promisify<InputType, DecodeOptions, Buffer>(inflate),
  raw: promisify<InputType, DecodeOptions, Buffer>(inflateRaw),
  br: promisify<InputType, DecodeOptions, Buffer>(brotliDecompress),
} as const;

function decoderOf(coding: Coding, bytes: Buffer): Decode {
  if (coding !== 'deflate') return DECODERS[coding];
  return hasZlibHeader(bytes) ? DECODERS.zlib : DECODERS.raw;
}

/** RFC 9110 means data with a zlib header by `deflate`; clients also send them without one (8.4.1.2). */
function hasZlibHeader(bytes: Buffer): boolean {
  if (bytes.length < 2) return true;
  const header = bytes.readUInt16BE(0);
  return (header & 0x0f00) === 0x0800 && header % 31 === 0;
}

// What the uploaded bytes are, from their first bytes alone. Declared types and file names play no part: clients send
// `image/*`, wrong types or none. Formats that are not taken are recognised too, so that the refusal can say what was got. It
// promises nothing about the rest of the bytes.
import { InputError } from '../../errors.js';

export const IMAGE_FORMATS = ['jpeg', 'png', 'webp', 'gif', 'bmp'] as const;
export type ImageFormat = (typeof IMAGE_FORMATS)[number];

/** For error messages. */
export const ALLOWED_FORMATS_TEXT = 'JPEG, PNG, WebP, GIF or BMP';

interface Signature {
  readonly offset: number;
  readonly bytes: readonly number[];
}

const at = (offset: number, text: string): Signature => ({
  offset,
  bytes: Array.from(text, (character) => character.charCodeAt(0)),
});

const ACCEPTED: readonly (readonly [ImageFormat, readonly Signature[]])[] = [
  ['jpeg', [at(0, '\xff\xd8\xff')]],
  ['png', [at(0, '\x89PNG\r\n\x1a\n')]],
  ['webp', [at(0, 'RIFF'), at(8, 'WEBP')]],
  ['gif', [at(0, 'GIF87a')]],
  ['gif', [at(0, 'GIF89a')]],
];

/** BMP's two letters are too short to believe; its header sizes are looked at as well. */
const BMP_HEADER_BYTES: readonly number[] = [12, 16, 40, 52, 56, 64, 108, 124];

const REFUSED: readonly (readonly [string, readonly Signature[]])[] = [
  ['a TIFF image', [at(0, 'II*\0')]],
  ['a TIFF image', [at(0, 'MM\0*')]],
  ['a TIFF image', [at(0, 'II+\0')]],
  ['a TIFF image', [at(0, 'MM\0+')]],
  ['an AVIF image', [at(4, 'ftypavi')]],
  ['a HEIC image', [at(4, 'ftyphe')]],
  ['a HEIC image', [at(4, 'ftypmif1')]],
  ['a HEIC image', [at(4, 'ftypmsf1')]],
  ['a Canon CR3 image', [at(4, 'ftypcrx ')]],
  ['an MP4 or QuickTime video', [at(4, 'ftyp')]],
  ['a JPEG XL image', [at(0, '\xff\x0a')]],
  ['a JPEG XL image', [at(0, '\0\0\0\x0cJXL \r\n')]],
  ['a JPEG 2000 image', [at(0, '\0\0\0\x0cjP  \r\n')]],
  ['a JPEG 2000 image', [at(0, '\xff\x4f\xff\x51')]],
  ['a Photoshop document', [at(0, '8BPS')]],
  ['an icon file', [at(0, '\0\0\x01\0')]],
  ['a cursor file', [at(0, '\0\0\x02\0')]],
  ['an ICNS icon', [at(0, 'icns')]],
  ['a PDF document', [at(0, '%PDF')]],
  ['a PostScript or EPS document', [at(0, '%!')]],
  ['an EPS document', [at(0, '\xc5\xd0\xd3\xc6')]],
  ['an OpenEXR image', [at(0, 'v/1\x01')]],
  ['a Radiance HDR image', [at(0, '#?R')]],
  ['a FITS image', [at(0, 'SIMPLE  =')]],
  ['a DDS texture', [at(0, 'DDS ')]],
  ['a FLIF image', [at(0, 'FLIF')]],
  ['a QOI image', [at(0, 'qoif')]],
  ['a Farbfeld image', [at(0, 'farbfeld')]],
  ['a MNG animation', [at(0, '\x8aMNG')]],
  ['a WMF drawing', [at(0, '\xd7\xcd\xc6\x9a')]],
  ['a DICOM image', [at(128, 'DICM')]],
  ['an AVI video', [at(0, 'RIFF'), at(8, 'AVI ')]],
  ['a WAV sound', [at(0, 'RIFF'), at(8, 'WAVE')]],
  ['a Matroska or WebM video', [at(0, '\x1a\x45\xdf\xa3')]],
  ['an HLS playlist', [at(0, '#EXTM3U')]],
  ['a ZIP archive (or an office document)', [at(0, 'PK\x03\x04')]],
  ['an empty ZIP archive', [at(0, 'PK\x05\x06')]],
  ['a gzip archive', [at(0, '\x1f\x8b')]],
  ['a Zstandard archive', [at(0, '\x28\xb5\x2f\xfd')]],
  ['an xz archive', [at(0, '\xfd7zXZ')]],
  ['a bzip2 archive', [at(0, 'BZh')]],
  ['a 7-Zip archive', [at(0, '7z\xbc\xaf')]],
  ['a RAR archive', [at(0, 'Rar!')]],
  ['an executable', [at(0, '\x7fELF')]],
  ['an executable', [at(0, 'MZ')]],
  ['a GGUF model', [at(0, 'GGUF')]],
  ['a Python pickle', [at(0, '\x80\x02')]],
];

const has = (bytes: Uint8Array, { offset, bytes: wanted }: Signature): boolean =>
  wanted.every((byte, index) => bytes[offset + index] === byte);

/** Returns the format, or throws `image.format_unsupported` with the name of what the bytes are. */
export function sniffFormat(bytes: Uint8Array): ImageFormat {
  for (const [format, signatures] of ACCEPTED) {
    if (signatures.every((signature) => has(bytes, signature))) return format;
  }
  if (isBmp(bytes)) return 'bmp';
  const got = nameOf(bytes);
  throw new InputError(
    'image.format_unsupported',
    `The image is ${got}; allowed are ${ALLOWED_FORMATS_TEXT}, validated by the bytes and not by the declared type.`,
    { details: { got, allowed: ALLOWED_FORMATS_TEXT, bytes: bytes.length } },
  );
}

function isBmp(bytes: Uint8Array): boolean {
  return has(bytes, at(0, 'BM')) && BMP_HEADER_BYTES.some((size) => has(bytes, littleEndian(14, size)));
}

const littleEndian = (offset: number, value: number): Signature => ({ offset, bytes: [value, 0, 0, 0] });

function nameOf(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'empty';
  for (const [name, signatures] of REFUSED) {
    if (signatures.every((signature) => has(bytes, signature))) return name;
  }
  return nameOfText(bytes) ?? `of an unknown kind (${bytes.length} bytes)`;
}

/** Bytes looked at to tell text from binary, and one kind of text from another. */
const TEXT_PROBE_BYTES = 1024;

function nameOfText(bytes: Uint8Array): string | undefined {
  const probe = bytes.subarray(0, TEXT_PROBE_BYTES);
  const isUtf16 = (probe[0] === 0xff && probe[1] === 0xfe) || (probe[0] === 0xfe && probe[1] === 0xff);
  const text = new TextDecoder(isUtf16 ? (probe[0] === 0xff ? 'utf-16le' : 'utf-16be') : 'utf-8').decode(
    probe,
  );
  // Control characters do not occur in text; U+FFFD stands for bytes that are not UTF-8 (one may be the cut at the end).
  if (/[\0-\x08\x0e-\x1f]|\ufffd./su.test(text)) return undefined;
  const start = text.trimStart().toLowerCase();
  if (/^(?:<\?xml[^>]*>|<!--.*?-->|<!doctype svg[^>]*>|\s)*<svg[\s>]/su.test(start)) return 'an SVG drawing';
  if (/^(?:<!doctype html|<html|<head|<body)/u.test(start)) return 'an HTML page';
  if (start.startsWith('<')) return 'an XML or HTML document';
  if (start.startsWith('data:')) return 'a data URL, not the bytes of an image';
  if (/^https?:\/\//u.test(start)) return 'a URL, not the bytes of an image';
  if (/^p[1-7]\s/u.test(start)) return 'a PNM image';
  if (/^[[{]/u.test(start)) return 'JSON text';
  if (/^(?:\/9j\/|ivborw0kggo|ukligr|r0lgod)/u.test(start))
    return 'an image in base64; send the bytes themselves';
  return 'text';
}

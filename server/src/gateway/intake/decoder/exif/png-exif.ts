// EXIF data of a PNG file: the chunk eXIf, in front of the pixels or behind them (PNG specification, 11.3.4.5; ImageMagick writes it behind
// them), or, from the time before there was that chunk, hexadecimal digits in a text chunk named "Raw profile type exif". As in Pillow 12.3,
// the chunk counts more than the text, and of several the last; a text chunk named "exif" counts as the chunk; other names, such as
// "Raw profile type APP1", are not looked at.
import { inflateSync } from 'node:zlib';
import { HeaderBytes } from '../../headers/bytes.js';

/** Signature of a PNG file. */
const FIRST_CHUNK = 8;
/** Length, type and check sum of a chunk. */
const CHUNK_OVERHEAD = 12;

/**
 * Characters of a text with EXIF data. Attack: 20 MB of zeros inflate to 20 GB. Largest real value: 128 KB, twice what JPEG can hold. Pillow
 * has the same limit.
 */
const MAX_TEXT_BYTES = 2 ** 20;

interface Text {
  readonly keyword: string;
  /** In the form that `isCompressed` says. */
  readonly content: Uint8Array;
  readonly isCompressed: boolean;
}

export function pngExif(file: Uint8Array): Uint8Array | undefined {
  const bytes = new HeaderBytes(file, 'PNG');
  let exif: Uint8Array | undefined;
  let profile: Text | undefined;
  for (let at = FIRST_CHUNK; at + CHUNK_OVERHEAD <= bytes.length;) {
    const length = bytes.u32be(at);
    const type = bytes.tag(at + 4);
    const content = file.subarray(at + 8, at + 8 + length);
    if (content.length < length || type === 'IEND') break;
    if (type === 'eXIf') exif = content;
    const text = textOf(type, content);
    if (text?.keyword === 'exif' && type === 'tEXt') exif = text.content;
    if (text?.keyword === 'Raw profile type exif') profile = text;
    at += length + CHUNK_OVERHEAD;
  }
  // Only the text that counts is inflated: thousands of them would cost more than any image.
  return exif ?? (profile === undefined ? undefined : profileOf(profile));
}

/** Of a tEXt, zTXt or iTXt chunk (PNG specification, 11.3.3); undefined for others and for broken ones. */
function textOf(type: string, content: Uint8Array): Text | undefined {
  if (type !== 'tEXt' && type !== 'zTXt' && type !== 'iTXt') return undefined;
  const end = content.indexOf(0);
  if (end === -1) return undefined;
  const keyword = Buffer.from(content.subarray(0, end)).toString('latin1');
  if (type === 'tEXt') return { keyword, content: content.subarray(end + 1), isCompressed: false };
  // Behind the keyword: the method of compression, which is always 0.
  if (type === 'zTXt') return { keyword, content: content.subarray(end + 2), isCompressed: true };
  // Behind the keyword: whether it is compressed, the method, the language and the translated keyword.
  const language = content.indexOf(0, end + 3);
  const translated = language === -1 ? -1 : content.indexOf(0, language + 1);
  if (translated === -1) return undefined;
  return { keyword, content: content.subarray(translated + 1), isCompressed: content[end + 1] !== 0 };
}

/** An empty line, the name, the length in decimal, and hexadecimal digits in lines. */
const HEADER_LINES = 3;

function profileOf({ content, isCompressed }: Text): Uint8Array | undefined {
  const text = isCompressed ? inflated(content) : content.subarray(0, MAX_TEXT_BYTES);
  if (text === undefined) return undefined;
  const lines = Buffer.from(text).toString('latin1').split('\n');
  const digits = lines.slice(HEADER_LINES).join('').replaceAll(/\s+/gu, '');
  return /^[0-9a-f]*$/iu.test(digits) ? Buffer.from(digits, 'hex') : undefined;
}

function inflated(content: Uint8Array): Uint8Array | undefined {
  try {
    return inflateSync(content, { maxOutputLength: MAX_TEXT_BYTES });
  } catch {
    // Broken or too long: a text that cannot be read asks for nothing.
    return undefined;
  }
}

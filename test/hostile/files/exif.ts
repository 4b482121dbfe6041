// The orientation tag as cameras write it, and where each format keeps it.
import { deflateSync } from 'node:zlib';
import { chunk } from './png.js';

/** A TIFF structure with the one entry 0x0112. */
export function orientationExif(orientation: number): Buffer {
  const exif = Buffer.alloc(26);
  exif.write('MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01', 'latin1');
  exif.writeUInt16BE(orientation, 18);
  return exif;
}

export const pngExif = (orientation: number): Buffer => chunk('eXIf', orientationExif(orientation));

export type TextChunk = 'tEXt' | 'zTXt' | 'iTXt' | 'compressed iTXt';

/** EXIF data as ImageMagick wrote them before PNG had a chunk for them: lines of hexadecimal digits in a text chunk. */
export function pngTextExif(orientation: number, kind: TextChunk, keyword = 'Raw profile type exif'): Buffer {
  const exif = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), orientationExif(orientation)]);
  const lines = exif.toString('hex').match(/.{1,72}/gu) ?? [];
  return pngText(keyword, `\nexif\n${String(exif.length).padStart(8)}\n${lines.join('\n')}\n`, kind);
}

export function pngText(keyword: string, text: string, kind: TextChunk): Buffer {
  const plain = Buffer.from(text, 'latin1');
  const part = (start: string, content: Buffer): Buffer =>
    Buffer.concat([Buffer.from(`${keyword}\0${start}`, 'latin1'), content]);
  switch (kind) {
    case 'tEXt':
      return chunk('tEXt', part('', plain));
    case 'zTXt':
      return chunk('zTXt', part('\0', deflateSync(plain)));
    case 'iTXt':
      return chunk('iTXt', part('\0\0en\0\0', plain));
    case 'compressed iTXt':
      return chunk('iTXt', part('\x01\0en\0\0', deflateSync(plain)));
  }
}

/** Puts the tag behind the first two bytes of a JPEG file. */
export function withJpegExif(jpeg: Uint8Array, orientation: number): Buffer {
  const content = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), orientationExif(orientation)]);
  const marker = Buffer.from([0xff, 0xe1, 0, content.length + 2]);
  return Buffer.concat([jpeg.subarray(0, 2), marker, content, jpeg.subarray(2)]);
}

/** Source pixel of the pixel that is seen at (x, y), for an image of `width` × `height` before it is turned (EXIF 2.3, tag 0x0112). */
export function orientedSource(
  orientation: number,
  x: number,
  y: number,
  width: number,
  height: number,
): readonly [number, number] {
  const [right, bottom] = [width - 1, height - 1];
  const sources: Readonly<Record<number, readonly [number, number]>> = {
    1: [x, y],
    2: [right - x, y],
    3: [right - x, bottom - y],
    4: [x, bottom - y],
    5: [y, x],
    6: [y, bottom - x],
    7: [right - y, bottom - x],
    8: [right - y, x],
  };
  return sources[orientation] ?? [x, y];
}

export const swapsSides = (orientation: number): boolean => orientation >= 5;

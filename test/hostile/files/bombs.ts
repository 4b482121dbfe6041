// Small files that claim, or hold, more pixels than a server should touch.
import { deflateSync } from 'node:zlib';
import { chunk, END, header, SIGNATURE } from './png.js';
import type { NamedFile } from './valid.js';

export function bombs(): NamedFile[] {
  return [
    { name: 'PNG of 65500 × 65500 one-bit pixels', bytes: onebitPng(65_500, 65_500) },
    { name: 'PNG of 2147483647 × 2147483647 pixels', bytes: onebitPng(2 ** 31 - 1, 2 ** 31 - 1) },
    { name: 'GIF with a screen of 65535 × 65535', bytes: gifScreen(65_535, 65_535) },
    { name: 'GIF with a small screen and a large frame', bytes: gifFrame(65_535, 65_535) },
    { name: 'WebP of 16383 × 16383', bytes: webp(16_383, 16_383) },
    { name: 'JPEG of 65535 × 65535', bytes: jpeg(65_535, 65_535) },
    { name: 'BMP of 100000 × 100000', bytes: bmp(100_000, 100_000) },
    { name: 'BMP of 100000 × 100000 in run lengths', bytes: bmp(100_000, 100_000, 8, 1) },
    { name: 'PNG of 1 × 50000000', bytes: onebitPng(1, 50_000_000) },
  ];
}

/** 50 megapixels of black in 6 MB, which is allowed by default. The reader of BMP is JavaScript and keeps its process busy for a second. */
export function largestBmp(): Buffer {
  const side = 7071;
  const pixelOffset = 62;
  const file = Buffer.alloc(pixelOffset + side * Math.ceil(side / 32) * 4);
  bmp(side, side).copy(file, 0, 0, 54);
  file.writeUInt32LE(pixelOffset, 10);
  file.writeUInt16LE(1, 28);
  return file;
}

function onebitPng(width: number, height: number): Buffer {
  // Real rows for what can be had, so that a decoder that trusted the header would start to work.
  const rows = Math.min(height, Math.ceil(64e6 / (width / 8 + 1)));
  const pixels =
    width > 1e6 || height > 1e6 ? Buffer.alloc(1000) : Buffer.alloc(rows * (Math.ceil(width / 8) + 1));
  return Buffer.concat([SIGNATURE, header(width, height, 1, 0), chunk('IDAT', deflateSync(pixels)), END]);
}

function gifScreen(width: number, height: number): Buffer {
  const file = Buffer.from(
    'GIF89a\0\0\0\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;',
    'latin1',
  );
  file.writeUInt16LE(width, 6);
  file.writeUInt16LE(height, 8);
  return file;
}

function gifFrame(width: number, height: number): Buffer {
  const file = gifScreen(1, 1);
  file.writeUInt16LE(width, 24);
  file.writeUInt16LE(height, 26);
  return file;
}

function webp(width: number, height: number): Buffer {
  const file = Buffer.from(
    'RIFF\x1a\0\0\0WEBPVP8 \x0e\0\0\0\x30\x01\0\x9d\x01\x2a\0\0\0\0\0\0\0\0',
    'latin1',
  );
  file.writeUInt16LE(width, 26);
  file.writeUInt16LE(height, 28);
  return file;
}

function jpeg(width: number, height: number): Buffer {
  const file = Buffer.from(
    '\xff\xd8\xff\xc0\0\x11\x08\0\0\0\0\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xd9',
    'latin1',
  );
  file.writeUInt16BE(height, 7);
  file.writeUInt16BE(width, 9);
  return file;
}

function bmp(width: number, height: number, bits = 24, compression = 0): Buffer {
  const file = Buffer.alloc(200);
  file.write('BM', 'latin1');
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(bits, 28);
  file.writeUInt32LE(compression, 30);
  return file;
}

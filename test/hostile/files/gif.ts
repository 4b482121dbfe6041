// GIF files written byte by byte: a palette of up to 256 colours, one or more frames, interlaced or not. The compressor is the
// simplest valid one: a clear code often enough that codes never grow.

export interface GifImage {
  readonly width: number;
  readonly height: number;
  /** Up to 256 colours. */
  readonly palette: readonly (readonly [number, number, number])[];
  /** Palette index of a pixel of a frame. */
  readonly sample: (x: number, y: number, frame: number) => number;
  readonly frames?: number;
  readonly isInterlaced?: boolean;
  readonly transparentIndex?: number;
  /** Where its frames lie on a larger canvas. */
  readonly canvas?: {
    readonly width: number;
    readonly height: number;
    readonly left: number;
    readonly top: number;
  };
}

export function writeGif(image: GifImage): Buffer {
  const { width, height, palette, frames = 1 } = image;
  const screen = Buffer.from('GIF89a\0\0\0\0\xf7\0\0', 'latin1');
  screen.writeUInt16LE(image.canvas?.width ?? width, 6);
  screen.writeUInt16LE(image.canvas?.height ?? height, 8);
  const colours = Buffer.alloc(256 * 3);
  palette.forEach((colour, index) => colours.set(colour, index * 3));
  const parts = Array.from({ length: frames }, (_, frame) => frameOf(image, frame));
  return Buffer.concat([screen, colours, ...parts, Buffer.from(';')]);
}

function frameOf(image: GifImage, frame: number): Buffer {
  const { width, height, isInterlaced = false, transparentIndex } = image;
  const control = Buffer.from([
    0x21,
    0xf9,
    4,
    transparentIndex === undefined ? 0 : 1,
    10,
    0,
    transparentIndex ?? 0,
    0,
  ]);
  const descriptor = Buffer.from([0x2c, 0, 0, 0, 0, 0, 0, 0, 0, isInterlaced ? 0x40 : 0]);
  descriptor.writeUInt16LE(image.canvas?.left ?? 0, 1);
  descriptor.writeUInt16LE(image.canvas?.top ?? 0, 3);
  descriptor.writeUInt16LE(width, 5);
  descriptor.writeUInt16LE(height, 7);
  const indexes: number[] = [];
  for (const y of rowOrder(height, isInterlaced)) {
    for (let x = 0; x < width; x += 1) indexes.push(image.sample(x, y, frame));
  }
  return Buffer.concat([control, descriptor, Buffer.from([8]), blocks(compress(indexes)), Buffer.from([0])]);
}

function rowOrder(height: number, isInterlaced: boolean): number[] {
  const rows = Array.from({ length: height }, (_, y) => y);
  if (!isInterlaced) return rows;
  const pass = (first: number, step: number) => rows.filter((y) => y % step === first);
  return [...pass(0, 8), ...pass(4, 8), ...pass(2, 4), ...pass(1, 2)];
}

const CLEAR = 256;
const STOP = 257;
/** Codes of nine bits end at 511; the table grows by one with each code after the first. */
const PIXELS_PER_CLEAR = 250;

function compress(indexes: readonly number[]): Buffer {
  const codes: number[] = [];
  indexes.forEach((index, at) => {
    if (at % PIXELS_PER_CLEAR === 0) codes.push(CLEAR);
    codes.push(index);
  });
  codes.push(STOP);
  const bytes = Buffer.alloc(Math.ceil((codes.length * 9) / 8));
  codes.forEach((code, at) => {
    const bit = at * 9;
    const word = code << (bit & 7);
    bytes[bit >> 3]! |= word & 0xff;
    if ((bit >> 3) + 1 < bytes.length) bytes[(bit >> 3) + 1]! |= word >> 8;
  });
  return bytes;
}

function blocks(content: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < content.length; at += 255) {
    const part = content.subarray(at, at + 255);
    parts.push(Buffer.from([part.length]), part);
  }
  return Buffer.concat(parts);
}

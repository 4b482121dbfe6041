// BMP files written byte by byte: the header of Windows 3, 8 bits with a palette, 24 or 32 bits, bottom-up or top-down.

export interface BmpImage {
  readonly width: number;
  readonly height: number;
  readonly bits: 8 | 24 | 32;
  readonly isTopDown?: boolean;
  readonly palette?: readonly (readonly [number, number, number])[];
  /** A palette index for 8 bits, else a colour. */
  readonly pixel: (x: number, y: number) => number | readonly [number, number, number];
}

export function writeBmp({ width, height, bits, isTopDown = false, palette = [], pixel }: BmpImage): Buffer {
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  const start = 54 + palette.length * 4;
  const file = Buffer.alloc(start + rowBytes * height);
  file.write('BM', 'latin1');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(start, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(isTopDown ? -height : height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(bits, 28);
  file.writeUInt32LE(palette.length, 46);
  palette.forEach(([red, green, blue], index) => file.set([blue, green, red], 54 + index * 4));
  for (let y = 0; y < height; y += 1) {
    const row = start + (isTopDown ? y : height - 1 - y) * rowBytes;
    for (let x = 0; x < width; x += 1) {
      const value = pixel(x, y);
      if (typeof value === 'number') file[row + x] = value;
      else file.set([value[2], value[1], value[0]], row + (x * bits) / 8);
    }
  }
  return file;
}

import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { bmpFile } from '../../../../../test/hostile/files/bmp.js';
import { InputError } from '../../../errors.js';
import type { RgbBitmap } from '../../../image/bitmap.js';
import { sniffFormat } from '../sniff.js';
import { decodeImage, prepareDecoder } from './decode.js';

beforeAll(prepareDecoder);

const decode = (bytes: Uint8Array): Promise<RgbBitmap> => decodeImage(bytes, sniffFormat(bytes), 50_000_000);
const noise = (count: number, seed = 1): Uint8Array => {
  let state = seed;
  return Uint8Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
};
const W = 13;
const H = 9;
const rgb = noise(W * H * 3);
const image = () => sharp(rgb, { raw: { width: W, height: H, channels: 3 } });
/** [index of the source pixel] for each pixel of a transformed image. */
const moved = (width: number, height: number, from: (x: number, y: number) => number): Uint8Array => {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1)
      pixels.set(rgb.subarray(from(x, y) * 3, from(x, y) * 3 + 3), (y * width + x) * 3);
  return pixels;
};

describe('lossless files', () => {
  it.each([
    ['a PNG', () => image().png()],
    ['an interlaced PNG', () => image().png({ progressive: true })],
    ['a lossless WebP', () => image().webp({ lossless: true })],
    ['a PNG with an opaque alpha channel', () => image().ensureAlpha(1).png()],
  ])('give the pixels of %s exactly', async (_, make) => {
    const { widthPx, heightPx, pixels } = await decode(await make().toBuffer());
    expect([widthPx, heightPx]).toEqual([W, H]);
    expect(Buffer.compare(pixels, rgb)).toBe(0);
  });

  it.each([
    [1, 1],
    [1, 300],
    [300, 1],
    [52_800, 44],
  ])('of %i × %i pixels keep their size', async (width, height) => {
    const pixels = noise(width * height * 3);
    const file = await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const decoded = await decode(file);
    expect([decoded.widthPx, decoded.heightPx]).toEqual([width, height]);
    expect(Buffer.compare(decoded.pixels, pixels)).toBe(0);
  });

  it.each([1, 2, 4, 8])('of a palette with %i bits give its colours', async (bitDepth) => {
    const palette = [250, 10, 20, 0, 200, 90];
    const row = bitDepth === 8 ? [1, 0, 1] : [(1 << (8 - bitDepth)) | (1 << (8 - 3 * bitDepth)), 1 << 4];
    const pixels = [...(await decode(palettePng(3, bitDepth, palette, row))).pixels];
    expect(pixels).toEqual([0, 200, 90, 250, 10, 20, 0, 200, 90]);
  });

  it('of one grey channel give it three times', async () => {
    const file = await sharp(Uint8Array.of(0, 77, 255), { raw: { width: 3, height: 1, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect(file[25]).toBe(0);
    expect([...(await decode(file)).pixels]).toEqual([0, 0, 0, 77, 77, 77, 255, 255, 255]);
  });

  it('of 16 bits are scaled, not clipped', async () => {
    const file = await sharp(Uint16Array.of(0, 128, 0x4d4d, 0xff00, 0xffff), {
      raw: { width: 5, height: 1, channels: 1 },
    })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    expect(file[24]).toBe(16);
    const values = [...(await decode(file)).pixels].filter((_, index) => index % 3 === 0);
    expect(values).toEqual([0, 0, 0x4d, 0xff, 0xff]);
  });

  it('of 16-bit colour are scaled too', async () => {
    const file = await sharp(Uint16Array.of(0x1234, 0x8080, 0xffff), {
      raw: { width: 1, height: 1, channels: 3 },
    })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    expect(file[24]).toBe(16);
    expect([...(await decode(file)).pixels]).toEqual([0x12, 0x80, 0xff]);
  });
});

describe('EXIF orientation', () => {
  const at = (x: number, y: number): number => y * W + x;
  it.each([
    [1, W, H, (x: number, y: number) => at(x, y)],
    [2, W, H, (x: number, y: number) => at(W - 1 - x, y)],
    [3, W, H, (x: number, y: number) => at(W - 1 - x, H - 1 - y)],
    [4, W, H, (x: number, y: number) => at(x, H - 1 - y)],
    [5, H, W, (x: number, y: number) => at(y, x)],
    [6, H, W, (x: number, y: number) => at(y, H - 1 - x)],
    [7, H, W, (x: number, y: number) => at(W - 1 - y, H - 1 - x)],
    [8, H, W, (x: number, y: number) => at(W - 1 - y, x)],
  ])('%i turns the image upright', async (orientation, width, height, from) => {
    const decoded = await decode(await image().withMetadata({ orientation }).png().toBuffer());
    expect([decoded.widthPx, decoded.heightPx]).toEqual([width, height]);
    expect(Buffer.compare(decoded.pixels, moved(width, height, from))).toBe(0);
  });

  it('of a JPEG is applied too', async () => {
    const upright = await decode(await image().jpeg({ quality: 100 }).toBuffer());
    const turned = await decode(
      await image().jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer(),
    );
    expect([turned.widthPx, turned.heightPx]).toEqual([H, W]);
    expect(turned.pixels.subarray(0, 3)).toEqual(
      upright.pixels.subarray(at(0, H - 1) * 3, at(0, H - 1) * 3 + 3),
    );
  });
});

describe('JPEG', () => {
  it('is decoded alike whether baseline or progressive', async () => {
    const options = { quality: 90, optimiseCoding: true } as const;
    const baseline = await decode(await image().jpeg(options).toBuffer());
    const file = await image()
      .jpeg({ ...options, progressive: true })
      .toBuffer();
    expect(file.includes(Buffer.from([0xff, 0xc2]))).toBe(true);
    expect(Buffer.compare((await decode(file)).pixels, baseline.pixels)).toBe(0);
  });

  it('of one channel is grey', async () => {
    const file = await image().toColourspace('b-w').jpeg().toBuffer();
    const { pixels } = await decode(file);
    expect(pixels).toHaveLength(W * H * 3);
    for (let i = 0; i < pixels.length; i += 3) expect(pixels[i]).toBe(pixels[i + 2]);
  });

  it.each([
    ['in front of the tables', 0xdb],
    ['in front of the frame', 0xc0],
    ['in front of the Huffman tables', 0xc4],
    ['in front of the scan', 0xda],
  ])('gives the same pixels with stray bytes %s', async (_, marker) => {
    const bare = await image().jpeg({ quality: 90 }).toBuffer();
    const comment = Buffer.from([0xff, 0xfe, 0, 2]);
    const file = Buffer.concat([bare.subarray(0, 2), comment, bare.subarray(2)]);
    const at = file.indexOf(Buffer.from([0xff, marker]));
    const stray = Buffer.concat([
      file.subarray(0, at),
      Buffer.from([1, 2, 3, 0xff, 0, 4]),
      file.subarray(at),
    ]);
    expect(await decode(stray)).toEqual(await decode(file));
  });

  const inks: readonly Ink[] = [
    [0, 0, 0, 0],
    [255, 0, 0, 0],
    [0, 255, 255, 0],
    [0, 0, 0, 255],
    [128, 64, 32, 16],
    [200, 100, 50, 120],
  ];
  // max(0, (255 − K) − C·(255 − K)/255), worked out by hand.
  const seen = [
    [255, 255, 255],
    [0, 255, 255],
    [255, 0, 0],
    [0, 0, 0],
    [119, 179, 209],
    [29, 82, 109],
  ];
  it.each([
    ['with the marker of Adobe', true],
    ['without it', false],
  ])('of four inks %s is taken as inverted and becomes RGB as in Pillow', async (_, hasMarker) => {
    const { widthPx, pixels } = await decode(flatCmykJpeg(inks, hasMarker));
    const colours = inks.map((_ink, block) => [
      ...pixels.subarray((3 * widthPx + block * 8 + 3) * 3, (3 * widthPx + block * 8 + 4) * 3),
    ]);
    expect(colours).toEqual(seen);
  });
});

describe('colour profiles', () => {
  it('are ignored, as the reference ignores them', async () => {
    const plain = await decode(await image().png().toBuffer());
    const file = await image().withIccProfile('p3', { attach: true }).png().toBuffer();
    expect(file.includes('iCCP')).toBe(true);
    const raw = await sharp(file, { ignoreIcc: true }).raw().toBuffer();
    const decoded = await decode(file);
    expect(Buffer.compare(decoded.pixels, raw)).toBe(0);
    // Converting to the profile changed the stored values, and decoding did not change them back.
    expect(Buffer.compare(decoded.pixels, plain.pixels)).not.toBe(0);
  });
});

describe('animations', () => {
  it.each(['gif', 'webp'] as const)('of the format %s give their first frame', async (format) => {
    const frames = Buffer.concat([Buffer.alloc(8 * 8 * 3, 255), Buffer.alloc(8 * 8 * 3, 0)]);
    const options = { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } } as const;
    const file =
      format === 'gif'
        ? await sharp(frames, options)
            .gif({ delay: [100, 100] })
            .toBuffer()
        : await sharp(frames, options)
            .webp({ lossless: true, delay: [100, 100] })
            .toBuffer();
    const { heightPx, pixels } = await decode(file);
    expect(heightPx).toBe(8);
    expect(pixels.every((value) => value === 255)).toBe(true);
  });
});

describe('broken files', () => {
  const size = { width: 64, height: 48 };
  const large = () => sharp(noise(64 * 48 * 3), { raw: { ...size, channels: 3 } });
  const makers: [string, () => Promise<Buffer>][] = [
    ['jpeg', () => large().jpeg().toBuffer()],
    ['progressive jpeg', () => large().jpeg({ progressive: true }).toBuffer()],
    ['png', () => large().png().toBuffer()],
    ['interlaced png', () => large().png({ progressive: true }).toBuffer()],
    ['lossy webp', () => large().webp().toBuffer()],
    ['lossless webp', () => large().webp({ lossless: true }).toBuffer()],
    ['gif', () => large().gif().toBuffer()],
  ];

  const outcome = async (bytes: Uint8Array): Promise<RgbBitmap | InputError> => {
    try {
      return await decode(bytes);
    } catch (error) {
      if (error instanceof InputError) return error;
      throw error;
    }
  };

  it.each(makers)('of the kind %s are refused when cut anywhere', async (_, make) => {
    const file = await make();
    const whole = await decode(file);
    let refused = 0;
    const lengths = new Set([1, 2, 3, 4, 5, 10, 20, 30]);
    for (let part = 1; part < 40; part += 1) lengths.add(Math.floor((file.length * part) / 40));
    for (let less = 1; less < 16; less += 1) lengths.add(file.length - less);
    for (const length of lengths) {
      const result = await outcome(file.subarray(0, length));
      // A cut may only be missed where nothing of the image is missing: in the end markers.
      if (result instanceof InputError) refused += 1;
      else {
        expect(file.length - length, `cut to ${length} of ${file.length}`).toBeLessThanOrEqual(16);
        expect(Buffer.compare(result.pixels, whole.pixels)).toBe(0);
      }
    }
    expect(refused).toBeGreaterThanOrEqual(lengths.size - 15);
  });

  it.each(makers)('of the kind %s with flipped bits are refused or give an image', async (_, make) => {
    const file = await make();
    const positions = noise(120, 77);
    for (let flip = 0; flip < 60; flip += 1) {
      const changed = Uint8Array.from(file);
      const high = positions[flip * 2] ?? 0;
      const position =
        flip < 20
          ? flip * 2
          : Math.floor(((high * 256 + (positions[flip * 2 + 1] ?? 0)) / 65_536) * file.length);
      changed[position] = (changed[position] ?? 0) ^ (1 << (flip % 8));
      const result = await outcome(changed);
      if (!(result instanceof InputError)) {
        expect(result.pixels).toHaveLength(result.widthPx * result.heightPx * 3);
      }
    }
  });

  it('never reach a reader of libvips that is not allowed', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await expect(decodeImage(svg, 'png', 1000)).rejects.toMatchObject({ code: 'image.undecodable' });
    const tiff = Buffer.from('II*\0\x08\0\0\0', 'latin1');
    await expect(decodeImage(tiff, 'png', 1000)).rejects.toMatchObject({ code: 'image.undecodable' });
  });

  it('that are larger than allowed are refused by the decoder as well', async () => {
    const file = await large().png().toBuffer();
    await expect(decodeImage(file, 'png', 64 * 48 - 1)).rejects.toMatchObject({ code: 'image.undecodable' });
    // Few bytes that ask for much memory.
    const runs = bmpFile({ width: 7000, height: 7000, bits: 8, compression: 1, pixels: Uint8Array.of(0, 1) });
    await expect(decodeImage(runs, 'bmp', 1_000_000)).rejects.toMatchObject({ code: 'image.too_large' });
  });
});

/** One row with the filter "none". */
function palettePng(
  width: number,
  bitDepth: number,
  palette: readonly number[],
  row: readonly number[],
): Buffer {
  const chunk = (name: string, payload: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(name), payload]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(payload.length);
    body.copy(framed, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
  };
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', Uint8Array.of(0, 0, 0, width, 0, 0, 0, 1, bitDepth, 3, 0, 0, 0)),
    chunk('PLTE', Uint8Array.from(palette)),
    chunk('IDAT', deflateSync(Uint8Array.of(0, ...row))),
    chunk('IEND', new Uint8Array()),
  ]);
}

type Ink = readonly [number, number, number, number];

/** A baseline JPEG with inverted inks in flat 8 × 8 blocks in a row: only DC coefficients, quantised by 1, so that every value is exact. */
function flatCmykJpeg(blocks: readonly Ink[], hasAdobeMarker: boolean): Buffer {
  const segment = (marker: number, payload: readonly number[]): number[] => {
    return [0xff, marker, (payload.length + 2) >> 8, (payload.length + 2) & 255, ...payload];
  };
  const components = [1, 2, 3, 4];
  let bits = '';
  const previous = [0, 0, 0, 0];
  for (const ink of blocks) {
    ink.forEach((value, component) => {
      const dc = 8 * (255 - value - 128);
      const difference = dc - (previous[component] ?? 0);
      previous[component] = dc;
      const category = difference === 0 ? 0 : 32 - Math.clz32(Math.abs(difference));
      const magnitude = difference < 0 ? difference + 2 ** category - 1 : difference;
      bits += category.toString(2).padStart(4, '0');
      if (category > 0) bits += magnitude.toString(2).padStart(category, '0');
      bits += '0';
    });
  }
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '1');
  const scan: number[] = [];
  for (let i = 0; i < bits.length; i += 8) {
    const byte = Number.parseInt(bits.slice(i, i + 8), 2);
    scan.push(byte);
    if (byte === 0xff) scan.push(0);
  }
  const width = blocks.length * 8;
  return Buffer.from([
    ...[0xff, 0xd8],
    ...(hasAdobeMarker ? segment(0xee, [...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, 0]) : []),
    ...segment(0xdb, [0, ...Array.from({ length: 64 }, () => 1)]),
    ...segment(0xc0, [8, 0, 8, width >> 8, width & 255, 4, ...components.flatMap((id) => [id, 0x11, 0])]),
    // Twelve DC codes of four bits each; one AC code, the end of the block, of one bit.
    ...segment(0xc4, [
      0x00,
      0,
      0,
      0,
      12,
      ...Array.from({ length: 12 }, () => 0),
      ...Array.from({ length: 12 }, (_, i) => i),
    ]),
    ...segment(0xc4, [0x10, 1, ...Array.from({ length: 15 }, () => 0), 0]),
    ...segment(0xda, [4, ...components.flatMap((id) => [id, 0]), 0, 63, 0]),
    ...scan,
    ...[0xff, 0xd9],
  ]);
}

// JPEG files without an end marker: those with all of their image are taken, those that end before it are refused wherever they end.
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../errors.js';
import { decodeImage, prepareDecoder } from './decode.js';
import { continuationsOf } from './jpeg-end.js';

beforeAll(prepareDecoder);

const WIDTH = 40;
const HEIGHT = 24;
const pixels = Uint8Array.from(
  { length: WIDTH * HEIGHT * 3 },
  (_, index) => (index * index * 7 + index * 13) & 0xff,
);
const image = () => sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
const KINDS: readonly (readonly [string, () => Promise<Buffer>])[] = [
  ['baseline', () => image().jpeg().toBuffer()],
  ['4:4:4', () => image().jpeg({ chromaSubsampling: '4:4:4' }).toBuffer()],
  ['progressive', () => image().jpeg({ progressive: true }).toBuffer()],
  ['mozjpeg', () => image().jpeg({ mozjpeg: true }).toBuffer()],
  ['grey', () => image().greyscale().jpeg({ quality: 20 }).toBuffer()],
  ['CMYK', () => image().toColourspace('cmyk').jpeg().toBuffer()],
];
const END_BYTES = 2;

async function decoded(file: Uint8Array): Promise<Uint8Array | null> {
  try {
    return (await decodeImage(file, 'jpeg', 1_000_000)).pixels;
  } catch (error) {
    expect(error).toMatchObject({ code: 'image.undecodable' });
    expect(error).toBeInstanceOf(InputError);
    return null;
  }
}

describe.each(KINDS)('a %s JPEG without its end marker', (_, make) => {
  it('is taken as it is, with half of the marker, or with zeros behind it', async () => {
    const file = await make();
    const whole = await decoded(file);
    const body = file.subarray(0, -END_BYTES);
    const variants = [
      body,
      file.subarray(0, -1),
      Buffer.concat([body, Buffer.alloc(1)]),
      Buffer.concat([body, Buffer.alloc(4096)]),
    ];
    for (const variant of variants) expect(await decoded(variant)).toEqual(whole);
  });

  it('is taken with stray bytes between its segments, too', async () => {
    const file = await make();
    const at = file.indexOf(Buffer.from([0xff, 0xc4]));
    const stray = Buffer.concat([
      file.subarray(0, at),
      Buffer.from([7, 0xff, 0, 7]),
      file.subarray(at, -END_BYTES),
    ]);
    expect(await decoded(stray)).toEqual(await decoded(file));
  });

  it('is refused wherever its data end early, with zeros behind them or not', async () => {
    const file = await make();
    const whole = await decoded(file);
    const cuts = new Set([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 30, 40, 60]);
    for (let part = 1; part < 20; part += 1) cuts.add(Math.floor((file.length * part) / 20));
    // Where a scan of a progressive file ends, nothing of the scan itself is missing.
    for (let at = file.indexOf(0xff, 20); at !== -1; at = file.indexOf(0xff, at + 1))
      if (file[at + 1] === 0xda || file[at + 1] === 0xc4) cuts.add(file.length - END_BYTES - at);
    for (const cut of cuts) {
      const short = file.subarray(0, Math.max(4, file.length - END_BYTES - cut));
      for (const tail of [short, Buffer.concat([short, Buffer.alloc(500)])]) {
        const got = await decoded(tail);
        if (got === null) continue;
        // The last bits may change no pixel: then nothing is missing.
        expect([cut, Buffer.compare(got, whole ?? Buffer.alloc(0))]).toEqual([Math.min(cut, 2), 0]);
      }
    }
  });
});

describe('continuationsOf', () => {
  it('looks no further than the end marker, wherever it stands', async () => {
    const file = await image().jpeg().toBuffer();
    expect(continuationsOf(file)).toBeUndefined();
    expect(
      continuationsOf(Buffer.concat([file, Buffer.from('a film behind the photograph')])),
    ).toBeUndefined();
    expect(continuationsOf(file.subarray(0, -END_BYTES))).toBeDefined();
  });

  it('gives none where a component has no scan', async () => {
    const file = await image().jpeg().toBuffer();
    const frame = file.indexOf(Buffer.from([0xff, 0xc0]));
    // The second component is named otherwise in the frame.
    file[frame + 13] = 99;
    expect(continuationsOf(file.subarray(0, -END_BYTES))).toBeUndefined();
  });
});

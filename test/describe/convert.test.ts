// `takeoff describe --convert`: formats that the server does not take, decoded in children of the command.
import { readFileSync } from 'node:fs';
import sharp, { type Sharp } from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Converter } from 'takeoff-server/cli/describe/convert/converter.js';
import { RunningServer } from '../../harness/running-server.js';
import { Random } from '../../harness/random.js';
import { ImageFolder, takeoff, type Ended } from './command.js';
import { HEIC, HEIC_COLOURS } from './heic.js';

let images: ImageFolder;
beforeEach(() => {
  images = new ImageFolder();
});
afterEach(() => images.remove());

const WIDTH = 24;
const HEIGHT = 16;
const colourAt = (x: number, y: number): readonly number[] =>
  HEIC_COLOURS[(x < WIDTH / 2 ? 0 : 1) + (y < HEIGHT / 2 ? 0 : 2)]!;
const PIXELS = Uint8Array.from(
  Array.from({ length: WIDTH * HEIGHT }, (_, pixel) =>
    colourAt(pixel % WIDTH, Math.floor(pixel / WIDTH)),
  ).flat(),
);
const image = (): Sharp => sharp(PIXELS, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
const converter = (more: Partial<ConstructorParameters<typeof Converter>[0]> = {}): Converter =>
  new Converter({ maxImagePixels: 50_000_000, ...more });

async function converted(
  name: string,
  bytes: Uint8Array,
  more = {},
): Promise<{ pixels: Buffer; width: number; height: number; format: string | undefined }> {
  const made = await converter(more).imageOf(images.add(name, bytes));
  if (typeof made === 'string') throw new TypeError(`${name} was not converted.`);
  const { format } = await sharp(made).metadata();
  const { data, info } = await sharp(made).raw().toBuffer({ resolveWithObject: true });
  return { pixels: data, width: info.width, height: info.height, format };
}
const largestGap = (pixels: Buffer): number =>
  PIXELS.reduce((most, value, index) => Math.max(most, Math.abs(value - pixels[index]!)), 0);

describe('converting', () => {
  it.each<[string, () => Promise<Buffer>]>([
    ['plain', () => image().tiff({ compression: 'none' }).toBuffer()],
    ['in LZW', () => image().tiff({ compression: 'lzw', predictor: 'horizontal' }).toBuffer()],
    ['tiled, in deflate', () => image().tiff({ compression: 'deflate', tile: true }).toBuffer()],
    ['as BigTIFF', () => image().tiff({ bigtiff: true, compression: 'none' }).toBuffer()],
  ])('gives the pixels of a TIFF %s', async (_, make) => {
    const { pixels, width, height, format } = await converted('a.tif', await make());
    expect([width, height, format]).toEqual([WIDTH, HEIGHT, 'png']);
    expect(largestGap(pixels)).toBe(0);
  });

  it('takes the high byte of 16 bits', async () => {
    const deep = await sharp(Uint16Array.from([0x12ff, 0x8000, 0xffff]), {
      raw: { width: 1, height: 1, channels: 3 },
    })
      .toColourspace('rgb16')
      .tiff({ compression: 'none' })
      .toBuffer();
    expect([...(await converted('a.tif', deep)).pixels]).toEqual([0x12, 0x80, 0xff]);
  });

  it('turns a TIFF as its header says', async () => {
    const { pixels, width, height } = await converted(
      'a.tiff',
      await image().tiff({ compression: 'none' }).withMetadata({ orientation: 6 }).toBuffer(),
    );
    expect([width, height]).toEqual([HEIGHT, WIDTH]);
    // The lower left corner is seen above on the left.
    expect([...pixels.subarray(0, 3)]).toEqual([...HEIC_COLOURS[2]]);
  });

  it('makes RGB of CMYK by the formula that the server has', async () => {
    const inks = await sharp(Uint8Array.of(255, 0, 0, 0, 0, 0, 0, 128), {
      raw: { width: 2, height: 1, channels: 4 },
    })
      .pipelineColourspace('cmyk')
      .toColourspace('cmyk')
      .tiff({ compression: 'none' })
      .toBuffer();
    expect((await sharp(inks).metadata()).space).toBe('cmyk');
    const raw = await sharp(inks).pipelineColourspace('cmyk').toColourspace('cmyk').raw().toBuffer();
    const [cyan = 0, , , black = 0] = raw;
    const { pixels } = await converted('a.tif', inks);
    expect(pixels[0]).toBe(Math.max(0, 255 - black - Math.round((cyan * (255 - black)) / 255)));
  });

  it('takes the first page', async () => {
    const pages = await sharp([await image().png().toBuffer(), await image().negate().png().toBuffer()], {
      join: { animated: true },
    })
      .tiff({ compression: 'none' })
      .toBuffer();
    expect((await sharp(pages).metadata()).pages).toBe(2);
    const { pixels, height } = await converted('a.tif', pages);
    expect(height).toBe(HEIGHT);
    expect(largestGap(pixels)).toBe(0);
  });

  it('reads AVIF and HEIC, whatever their names', async () => {
    const avif = await image().avif({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer();
    expect(largestGap((await converted('a.avif', avif)).pixels)).toBeLessThan(12);
    for (const name of ['a.heic', 'b.jpg', 'c']) {
      const { pixels, width, height } = await converted(name, HEIC);
      expect([width, height]).toEqual([WIDTH, HEIGHT]);
      expect(largestGap(pixels)).toBeLessThan(12);
    }
  });

  it('keeps alpha, which the server lays on white', async () => {
    const { pixels } = await converted(
      'a.tif',
      await image().ensureAlpha(0.5).tiff({ compression: 'none' }).toBuffer(),
    );
    expect([...pixels.subarray(0, 4)]).toEqual([...HEIC_COLOURS[0], 127]);
  });

  it('makes a JPEG where a PNG would be more than a server takes', async () => {
    const noise = Buffer.alloc(3000 * 2600 * 3);
    const random = new Random(1);
    for (let at = 0; at < noise.length; at += 1) noise[at] = random.below(256);
    const large = await sharp(noise, { raw: { width: 3000, height: 2600, channels: 3 } })
      .tiff({ compression: 'none' })
      .toBuffer();
    expect((await converted('a.tif', large)).format).toBe('jpeg');
  });

  it('leaves everything else to the server, also what is not there', async () => {
    const png = images.add('a.tif', await image().png().toBuffer());
    expect(await converter().imageOf(png)).toBe(png);
    expect(await converter().imageOf(images.of('gone.tif'))).toBe(images.of('gone.tif'));
  });
});

describe('what cannot be converted', () => {
  const refusal = async (bytes: Uint8Array, more = {}): Promise<string> => {
    const error: unknown = await converter(more)
      .imageOf(images.add('a.tif', bytes))
      .then(
        () => 'It was converted.',
        (reason: unknown) => reason,
      );
    expect(error).toMatchObject({ code: 'client.invalid_input' });
    return String(error);
  };

  it('is refused in a sentence: broken files, measurements, too many pixels', async () => {
    const tiff = await image().tiff({ compression: 'lzw' }).toBuffer();
    const avif = await image().avif().toBuffer();
    expect(await refusal(tiff.subarray(0, 40))).toContain(
      'The TIFF image could not be converted: It is broken',
    );
    expect(await refusal(avif.subarray(0, 200))).toContain(
      'The AVIF image could not be converted: It is broken',
    );
    expect(await refusal(HEIC.subarray(0, 300))).toMatch(
      /The HEIC image could not be converted: It (?:holds no image|is broken)/u,
    );
    const measured = await sharp(new Float32Array(9), { raw: { width: 3, height: 3, channels: 1 } })
      .tiff({ compression: 'none' })
      .toBuffer();
    if ((await sharp(measured).metadata()).depth === 'float')
      expect(await refusal(measured)).toContain('which are no colours');
    const few = { maxImagePixels: WIDTH * HEIGHT - 1 };
    expect(await refusal(HEIC, few)).toContain(`24 × 16 = 384 pixels; max_image_pixels allows 383`);
    expect(await refusal(tiff, few)).toContain('pixel limit');
    expect(await refusal(avif, few)).toContain('pixel limit');
  });

  it('is ended when it takes too long', async () => {
    expect(await refusal(HEIC, { timeoutMs: 1 })).toContain('it took longer than 0.001 s');
  });

  it('costs itself alone: mutated files, and the process that asked lives on', async () => {
    const random = new Random(11);
    const files = [
      await image().tiff({ compression: 'lzw' }).toBuffer(),
      await image().avif().toBuffer(),
      HEIC,
    ];
    const one = converter({ timeoutMs: 20_000 });
    for (let n = 0; n < 9; n += 1) {
      const bytes = Buffer.from(files[n % 3]!);
      for (let flips = 0; flips < 6; flips += 1)
        bytes[40 + random.below(bytes.length - 40)]! ^= 1 << random.below(8);
      const made = await one.imageOf(images.add(`${n}`, bytes)).catch((error: unknown) => error);
      if (made instanceof Error) expect(made).toMatchObject({ code: 'client.invalid_input' });
      else expect(made).toBeInstanceOf(Uint8Array);
    }
  }, 120_000);
});

describe('takeoff describe --convert', () => {
  const ECHO = { TAKEOFF_ECHO: 'true' };
  let server: RunningServer;
  beforeAll(async () => {
    server = await RunningServer.start({ env: ECHO });
  });
  afterAll(() => server.stop());
  const run = (...args: string[]): Promise<Ended> =>
    takeoff(['describe', '--prompt', 'what', '--url', server.url, ...args]).ended;

  it('describes a folder of all formats, each image once, text files told apart', async () => {
    images.add('a.heic', HEIC);
    images.add('a.jpg', await image().jpeg().toBuffer());
    images.add('b.tif', await image().tiff({ compression: 'none' }).toBuffer());
    images.add('c.avif', await image().avif().toBuffer());
    images.add('d.JPG', HEIC);
    const out = images.of('out.jsonl');
    const { exitCode, err } = await run('--convert', '--out', out, images.path);
    expect(exitCode, err).toBe(0);
    expect(err).toContain('5 described, 0 failed');
    expect(err).not.toContain('Skipped');
    const paths = readFileSync(out, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { path: string }).path);
    expect(paths.sort()).toEqual(
      ['a.heic', 'a.jpg', 'b.tif', 'c.avif', 'd.JPG'].map((name) => images.of(name)),
    );
    expect((await run('--convert', '--format', 'txt', images.path)).exitCode).toBe(0);
    for (const name of ['a.txt', 'a.heic.txt', 'b.txt', 'c.txt', 'd.txt'])
      expect(images.read(name)).toBe('\nwhat\n');
  });

  it('lists what cannot be converted, and goes on', async () => {
    images.add('a.heic', HEIC.subarray(0, 200));
    images.add('b.heic', HEIC);
    const { exitCode, err } = await run('--convert', '--out', images.of('out.jsonl'), images.path);
    expect(exitCode).toBe(1);
    expect(err).toContain('1 described, 1 failed');
    expect(err).toContain(`${images.of('a.heic')}: The HEIC image could not be converted`);
  });

  it('without it the server refuses the formats, and the command says what reads them', async () => {
    const file = images.add('a.heic', HEIC);
    const { exitCode, err } = await run(file);
    expect(exitCode).toBe(1);
    expect(err).toContain('The image is a HEIC image');
    expect(err).toContain('--convert reads TIFF, AVIF and HEIC.');
  });
});

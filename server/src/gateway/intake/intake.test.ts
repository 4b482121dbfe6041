// With real decoder children: the compiled program (`tsc -b`) must exist.
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import type { ImageForm, VisionSettings } from '../../model/description.js';
import { createDecoderPool, type DecoderPool } from './decoder-pool.js';
import type { DecodeJob } from './decoder/messages.js';
import { DECODER_PROGRAM } from './decoder-process.js';
import type { ImageSource } from './image-source.js';
import { createIntake, type ImageUse } from './intake.js';

const goldens = new URL('../../../../test/goldens/', import.meta.url);
const read = (path: string): Buffer => readFileSync(new URL(path, goldens));
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const vision: VisionSettings = {
  sidePx: 28,
  patchPx: 14,
  aspect: 'pad',
  gridPinpoints: [],
  mergeType: 'flat',
  keepsClassToken: false,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};
const used = (form: ImageForm, cacheSalt: string | null = null): ImageUse => ({ form, cacheSalt });
const never = new AbortController().signal;
const pool = createDecoderPool();
const intake = createIntake({ limits: { maxImagePixels: 1_000_000 }, pool, remote: null });
const upload = (bytes: Uint8Array): ImageSource => ({ kind: 'upload', bytes });
afterAll(() => pool.close());

const image = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#4080c0' } });

interface Expected {
  vision: { side: number; aspect: VisionSettings['aspect'] };
  images: { name: string; file: string; tilesSha256: string; tiles: number }[];
}

describe('intake', () => {
  it.each(['v15-llama-pad', 'v16-llama-anyres', 'square-linear-224'])(
    'gives the tiles of the reference for the images of %s',
    async (name) => {
      const expected = JSON.parse(read(`${name}/expected.json`).toString()) as Expected;
      const config = JSON.parse(read(`${name}/checkpoint/config.json`).toString()) as {
        image_grid_pinpoints?: [number, number][];
      };
      const { side, aspect } = expected.vision;
      const gridPinpoints = aspect === 'anyres' ? (config.image_grid_pinpoints ?? []) : [];
      for (const image of expected.images) {
        const bytes = read(`${name}/${image.file}`);
        const payload = await intake.prepare(
          upload(bytes),
          used({ ...vision, sidePx: side, aspect, gridPinpoints }),
          never,
        );
        expect(payload.tiles).toHaveLength(image.tiles * side * side * 3);
        expect(sha256(payload.tiles), image.name).toBe(image.tilesSha256);
        expect(payload.sha256).toBe(sha256(bytes));
      }
    },
  );

  it.each(['jpeg', 'png', 'webp', 'gif'] as const)(
    'takes %s, with the size after orientation',
    async (format) => {
      const file = await image(40, 20).toFormat(format).withMetadata({ orientation: 6 }).toBuffer();
      const payload = await intake.prepare(upload(file), used(vision), never);
      // GIF has no EXIF.
      const [widthPx, heightPx] = format === 'gif' ? [40, 20] : [20, 40];
      expect(payload).toMatchObject({ widthPx, heightPx, sidePx: 28 });
      expect(payload.tiles).toHaveLength(28 * 28 * 3);
    },
  );

  it('takes BMP', async () => {
    const header = Buffer.alloc(54);
    header.write('BM');
    header.writeUInt32LE(54, 10);
    header.writeUInt32LE(40, 14);
    header.writeInt32LE(1, 18);
    header.writeInt32LE(1, 22);
    header.writeUInt16LE(24, 28);
    const file = Buffer.concat([header, Buffer.from([30, 20, 10, 0])]);
    const { tiles } = await intake.prepare(upload(file), used(vision), never);
    expect([...tiles.subarray(0, 3)]).toEqual([10, 20, 30]);
  });

  it('refuses text, empty bytes, cut files and large images, and serves the next request', async () => {
    const png = await image(300, 300).png().toBuffer();
    const cases: [Uint8Array, string][] = [
      [Buffer.from('not an image'), 'image.format_unsupported'],
      [new Uint8Array(), 'image.format_unsupported'],
      [png.subarray(0, png.length / 2), 'image.undecodable'],
      [png.subarray(0, 20), 'image.undecodable'],
      [await image(1001, 1000).png().toBuffer(), 'image.too_large'],
    ];
    for (const [bytes, code] of cases) {
      await expect(intake.prepare(upload(bytes), used(vision), never)).rejects.toMatchObject({ code });
    }
    await expect(intake.prepare(upload(png), used(vision), never)).resolves.toMatchObject({ widthPx: 300 });
    expect(pool.load).toEqual({ running: 0, waiting: 0 });
  });

  it('decodes an image that comes again once for each form and each cache_salt', async () => {
    const jobs: DecodeJob[] = [];
    const counted: DecoderPool = {
      ...pool,
      decode: (job, signal) => {
        jobs.push(job);
        return pool.decode(job, signal);
      },
    };
    const remembering = createIntake({ limits: { maxImagePixels: 1_000_000 }, pool: counted, remote: null });
    const file = await image(40, 20).png().toBuffer();
    const first = await remembering.prepare(upload(file), used(vision), never);
    await expect(remembering.prepare(upload(Buffer.from(file)), used(vision), never)).resolves.toEqual(first);
    expect(jobs).toHaveLength(1);
    const larger = await remembering.prepare(upload(file), used({ ...vision, sidePx: 56 }), never);
    expect(larger.tiles).toHaveLength(56 * 56 * 3);
    await remembering.prepare(upload(file), used(vision, 'a tenant'), never);
    expect(jobs).toHaveLength(3);
    await remembering.prepare(upload(file), used(vision, 'a tenant'), never);
    expect(jobs).toHaveLength(3);
  });

  it('never gives a decoder an image whose header is too large', async () => {
    const untouched = createDecoderPool({
      start: () => {
        throw new TypeError('A decoder was started.');
      },
    });
    const bomb = Buffer.concat([
      Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'),
      Buffer.alloc(17, 0x7f),
    ]);
    const guarded = createIntake({ limits: { maxImagePixels: 1_000_000 }, pool: untouched, remote: null });
    await expect(guarded.prepare(upload(bomb), used(vision), never)).rejects.toMatchObject({
      code: 'image.too_large',
    });
  });

  it('gives a model that cuts images itself one PNG file of the upright image, without metadata', async () => {
    const file = await image(60, 30).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    const payload = await intake.prepare(upload(file), used({ aspect: 'whole', maxPixels: 800 }), never);
    expect(payload).toMatchObject({ widthPx: 30, heightPx: 60, sidePx: null, sha256: sha256(file) });
    const { format, width, height, exif } = await sharp(payload.tiles).metadata();
    expect({ format, width, height, exif }).toEqual({
      format: 'png',
      width: 20,
      height: 40,
      exif: undefined,
    });
  });
});

describe('the decoder program', () => {
  it('ends by itself when the gateway is gone, and not by a signal meant for the gateway', async () => {
    const child = fork(DECODER_PROGRAM, [], { serialization: 'advanced' });
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    expect(await new Promise((resolve) => child.once('message', resolve))).toEqual({ kind: 'ready' });
    child.kill('SIGINT');
    child.kill('SIGTERM');
    child.disconnect();
    expect(await ended).toBe(0);
  });
});

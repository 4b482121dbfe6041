// The way of an image into the server, from its bytes to tiles: the whole through a decoder child, decoding and preprocessing
// alone, and the memory that a child needs.
import { randomUUID } from 'node:crypto';
import sharp from 'sharp';
import { createDecoderPool } from 'takeoff-server/gateway/intake/decoder-pool.js';
import { DecoderProcess } from 'takeoff-server/gateway/intake/decoder-process.js';
import { decodeImage } from 'takeoff-server/gateway/intake/decoder/decode.js';
import { createIntake, type Intake } from 'takeoff-server/gateway/intake/intake.js';
import { sniffFormat } from 'takeoff-server/gateway/intake/sniff.js';
import type { VisionSettings } from 'takeoff-server/model/description.js';
import { preprocess } from 'takeoff-server/image/preprocess.js';
import { photographs, type NamedImage } from '../images.js';
import type { Measurement } from '../report.js';
import { spread, timeRuns } from '../statistics.js';
import { peakMemoryBytes } from '../../harness/running-server.js';

const LIMITS = { maxImagePixels: 50_000_000 };
/** Longer than any image takes, so that slow machines are measured too. */
const DECODE_TIMEOUT_MS = 60_000;

/** LLaVA 1.6: up to five tiles of 336. */
const ANYRES: VisionSettings = {
  sidePx: 336,
  patchPx: 14,
  aspect: 'anyres',
  gridPinpoints: [
    [336, 672],
    [672, 336],
    [672, 672],
    [1008, 336],
    [336, 1008],
  ],
  mergeType: 'spatial_unpad',
  keepsClassToken: false,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

/** Images that a child decodes while its memory is watched: several, as one may come before the last one's memory is freed. */
const IMAGES_PER_CHILD = 4;
const CHILDREN = 3;

export async function benchIntake(runs: number): Promise<Measurement[]> {
  const images = await photographs();
  // sharp is set as in a decoder child, so that decoding in this process takes as long as there.
  sharp.concurrency(1);
  sharp.cache(false);
  const measurements: Measurement[] = [];
  for (const image of images) {
    measurements.push(
      { name: `${image.name}, file`, unit: 'MB', value: spread([image.bytes.length / 1e6]) },
      ...(await throughIntake(image, runs)),
      ...(await memoryAboveIdle(image)),
      ...(await inParts(image, runs)),
    );
  }
  return measurements;
}

/** Times through the decoder pool, its work between two images included, such as replacing a child that has grown too large. */
async function throughIntake({ name, bytes }: NamedImage, runs: number): Promise<Measurement[]> {
  const pool = createDecoderPool({ decoders: 1, decodeTimeoutMs: DECODE_TIMEOUT_MS });
  const intake = createIntake({ limits: LIMITS, pool, remote: null });
  try {
    const anyres = await timeRuns(runs, () => prepare(intake, bytes, 'anyres'));
    const pad = await timeRuns(runs, () => prepare(intake, bytes, 'pad'));
    return [
      { name: `${name}, bytes to tiles (anyres)`, unit: 'ms', value: spread(anyres) },
      { name: `${name}, bytes to tiles (pad)`, unit: 'ms', value: spread(pad) },
    ];
  } finally {
    await pool.close();
  }
}

/** Memory of fresh children that see only this image and are kept however large they grow (Linux only). */
async function memoryAboveIdle({ name, bytes }: NamedImage): Promise<Measurement[]> {
  if (process.platform !== 'linux') return [];
  const rises: number[] = [];
  for (let count = 0; count < CHILDREN; count += 1) {
    const child = new DecoderProcess();
    const options = { decoders: 1, decodeTimeoutMs: DECODE_TIMEOUT_MS, maxResidentBytes: Infinity };
    const pool = createDecoderPool({ ...options, start: () => child });
    const intake = createIntake({ limits: LIMITS, pool, remote: null });
    try {
      await prepare(intake, TINY_PNG, 'anyres');
      const idleBytes = peakMemoryBytes(child.pid ?? 0);
      for (let image = 0; image < IMAGES_PER_CHILD; image += 1) await prepare(intake, bytes, 'anyres');
      rises.push((peakMemoryBytes(child.pid ?? 0) - idleBytes) / 2 ** 20);
    } finally {
      await pool.close();
    }
  }
  return [{ name: `${name}, decoder's peak memory above idle`, unit: 'MiB', value: spread(rises) }];
}

/** Decodes the image each time, because each request has a salt of its own. */
function prepare(intake: Intake, bytes: Uint8Array, aspect: VisionSettings['aspect']): Promise<unknown> {
  const use = { form: { ...ANYRES, aspect }, cacheSalt: randomUUID() };
  return intake.prepare({ kind: 'upload', bytes }, use, new AbortController().signal);
}

async function inParts({ name, bytes }: NamedImage, runs: number): Promise<Measurement[]> {
  const decode = () => decodeImage(bytes, sniffFormat(bytes), LIMITS.maxImagePixels);
  const bitmap = await decode();
  return [
    { name: `${name}, decoding alone`, unit: 'ms', value: spread(await timeRuns(runs, decode)) },
    {
      name: `${name}, preprocessing alone (anyres)`,
      unit: 'ms',
      value: spread(await timeRuns(runs, () => preprocess(bitmap, ANYRES))),
    },
  ];
}

const TINY_PNG = new Uint8Array(
  Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
    'base64',
  ),
);

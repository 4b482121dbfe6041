// The way of a picture into the server: from its bytes to tiles, through a decoder child; what of that is decoding and what is
// preprocessing; and what a child needs of memory.
import { readdirSync, readFileSync } from 'node:fs';
import { createDecoderPool } from 'takeoff-server/gateway/intake/decoder-pool.js';
import { decodeImage } from 'takeoff-server/gateway/intake/decoder/decode.js';
import { createIntake } from 'takeoff-server/gateway/intake/intake.js';
import { sniffFormat } from 'takeoff-server/gateway/intake/sniff.js';
import type { VisionSettings } from 'takeoff-server/model/description.js';
import { preprocess } from 'takeoff-server/picture/preprocess.js';
import { photographs, type NamedPicture } from '../pictures.js';
import type { Measurement } from '../report.js';
import { spread, timeRuns } from '../statistics.js';
import { peakMemoryBytes } from '../server/running-server.js';

const LIMITS = { maxImagePixels: 50_000_000 };
/** Longer than any picture takes: a slow machine is measured, too. */
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

export async function benchIntake(runs: number): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (const picture of await photographs()) {
    measurements.push(...(await throughIntake(picture, runs)), ...(await inParts(picture, runs)));
  }
  return measurements;
}

/** Each picture has a child of its own, whose memory is its picture's alone. */
async function throughIntake({ name, bytes }: NamedPicture, runs: number): Promise<Measurement[]> {
  const pool = createDecoderPool({ decoders: 1, decodeTimeoutMs: DECODE_TIMEOUT_MS });
  const intake = createIntake({ limits: LIMITS, pool, remote: null });
  const prepare = (given: Uint8Array<ArrayBuffer>, aspect: VisionSettings['aspect']) =>
    intake.prepare({ kind: 'upload', bytes: given }, { ...ANYRES, aspect }, new AbortController().signal);
  try {
    await prepare(TINY_PNG, 'anyres');
    const idleBytes = childMemoryBytes();
    const anyres = await timeRuns(runs, () => prepare(bytes, 'anyres'));
    const peakBytes = childMemoryBytes();
    const pad = await timeRuns(runs, () => prepare(bytes, 'pad'));
    return [
      { name: `${name}, bytes to tiles (anyres)`, unit: 'ms', value: spread(anyres) },
      { name: `${name}, bytes to tiles (pad)`, unit: 'ms', value: spread(pad) },
      ...(peakBytes === 0
        ? []
        : [
            {
              name: `${name}, decoder memory above idle`,
              unit: 'MiB',
              value: spread([(peakBytes - idleBytes) / 2 ** 20]),
            },
          ]),
    ];
  } finally {
    await pool.close();
  }
}

async function inParts({ name, bytes }: NamedPicture, runs: number): Promise<Measurement[]> {
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

/** Of the one child of this process (Linux); 0 elsewhere. */
function childMemoryBytes(): number {
  if (process.platform !== 'linux') return 0;
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return Math.max(0, ...children.map((pid) => peakMemoryBytes(Number(pid))));
}

const TINY_PNG = new Uint8Array(
  Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
    'base64',
  ),
);

// Flash attention on a CPU is the same arithmetic in another order: features of a golden within f32 tolerance.
import path from 'node:path';
import { expect, it } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import { convertCheckpoint } from '../../server/src/checkpoint/convert/convert-checkpoint.js';
import { openGgufPair } from '../../server/src/checkpoint/pair/open-pair.js';
import { describeCheckpoint } from '../../server/src/checkpoint/source/describe-checkpoint.js';
import { createTensorCodec } from '../../server/src/native/tensor-codec.js';
import { loadPair } from '../../server/src/reader/load/load-pair.js';
import { differences, GOLDENS, GoldenTensors, nativeRuntime, readPicture } from '../parity/golden-case.js';

it('gives the features of the reference to a cosine of 0.9999 and better for every token', async () => {
  const runtime = nativeRuntime();
  const outDir = mkdtempSync(path.join(os.tmpdir(), 'takeoff-attention-'));
  const checkpoint = await describeCheckpoint(path.join(GOLDENS, 'v15-llama-pad', 'checkpoint'));
  const paths = await convertCheckpoint({
    checkpoint,
    outDir,
    textType: 'f16',
    towerType: 'f32',
    codec: createTensorCodec(runtime),
  });
  await checkpoint.close();
  const pair = await openGgufPair(paths.modelPath, paths.projectorPath);
  const { engine, description } = await loadPair(runtime, pair, {
    maxSequenceLength: 0,
    maxSequences: 1,
    threads: null,
    isExact: false,
  });
  await pair.close();
  const { vision } = description;
  if (vision === null) throw new TypeError('no vision settings');
  const encoding = engine.startEncoding(
    await readPicture(path.join(GOLDENS, 'images', '640x480.png'), vision),
  );
  let features = await encoding.advance();
  while (features === undefined) features = await encoding.advance();
  const wanted = new GoldenTensors('v15-llama-pad').floats('features/640x480') ?? new Float32Array();
  expect(differences(features.values, wanted).relative).toBeLessThan(2e-5);
  const width = wanted.length / features.rows;
  for (let row = 0; row < features.rows; row += 1) {
    const a = features.values.subarray(row * width, (row + 1) * width);
    const b = wanted.subarray(row * width, (row + 1) * width);
    const dot = (x: Float32Array, y: Float32Array) =>
      x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
    expect(dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))).toBeGreaterThan(0.9999);
  }
  engine.close();
  rmSync(outDir, { recursive: true });
});

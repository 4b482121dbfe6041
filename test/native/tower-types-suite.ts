// The vision tower as it is served, with flash attention and in every type of weights, against the reference's features. The bounds
// are two to three times the differences that were measured on this small golden.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { convertCheckpoint } from '../../server/src/checkpoint/convert/convert-checkpoint.js';
import { openGgufPair } from '../../server/src/checkpoint/pair/open-pair.js';
import { describeCheckpoint } from '../../server/src/checkpoint/source/describe-checkpoint.js';
import type { KernelChoice } from '../../server/src/model/kernels.js';
import type { TowerQuant } from '../../server/src/model/quantisation.js';
import { createTensorCodec } from '../../server/src/native/tensor-codec.js';
import { loadPair } from '../../server/src/reader/load/load-pair.js';
import { differences, encodeImage, GOLDENS, GoldenTensors, nativeRuntime } from '../parity/golden-case.js';

export function describeTowerTypes(kernels: KernelChoice): void {
  it.each<{ type: TowerQuant; relative: number; cosine: number }>([
    { type: 'f32', relative: 2e-5, cosine: 0.9999 },
    { type: 'f16', relative: 0.003, cosine: 0.9999 },
    { type: 'bf16', relative: 0.02, cosine: 0.999 },
    { type: 'q8_0', relative: 0.06, cosine: 0.99 },
  ])(
    `features of a tower in $type, kernels ${kernels}, are within $relative of the reference`,
    async ({ type, relative, cosine }) => {
      const { got, wanted, rows } = await featuresIn(type, kernels);
      const difference = differences(got, wanted).relative;
      const width = wanted.length / rows;
      const cosines = Array.from({ length: rows }, (_, row) =>
        cosineOf(
          got.subarray(row * width, (row + 1) * width),
          wanted.subarray(row * width, (row + 1) * width),
        ),
      );
      expect(difference).toBeLessThan(relative);
      expect(Math.min(...cosines)).toBeGreaterThan(cosine);
    },
  );
}

async function featuresIn(
  type: TowerQuant,
  kernels: KernelChoice,
): Promise<{ got: Float32Array; wanted: Float32Array; rows: number }> {
  const runtime = nativeRuntime(kernels);
  const outDir = mkdtempSync(path.join(os.tmpdir(), 'takeoff-tower-'));
  const checkpoint = await describeCheckpoint(path.join(GOLDENS, 'v15-llama-pad', 'checkpoint'));
  const codec = createTensorCodec(runtime);
  const paths = await convertCheckpoint({ checkpoint, outDir, textType: 'f16', towerType: type, codec });
  await checkpoint.close();
  const pair = await openGgufPair(paths.modelPath, paths.projectorPath);
  const loaded = await loadPair(runtime, pair, {
    maxSequenceLength: 0,
    maxSequences: 1,
    pageCacheSize: null,
    threads: null,
    isExact: false,
  });
  await pair.close();
  const features = await encodeImage(loaded, path.join(GOLDENS, 'images', '640x480.png'));
  loaded.encoder?.close();
  loaded.engine.close();
  rmSync(outDir, { recursive: true });
  const wanted = new GoldenTensors('v15-llama-pad').floats('features/640x480') ?? new Float32Array();
  return { got: features.values, wanted, rows: features.rows };
}

function cosineOf(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array): number =>
    x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

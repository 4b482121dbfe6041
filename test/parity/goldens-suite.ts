// Golden cases through the library path in f32: token ids, features, logits and greedy tokens of the reference. A process has one
// runtime, so llama.cpp's kernels and ours have a test file each.
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FeatureRows, StepRow } from '../../server/src/reader/engine/engine.js';
import type { KernelChoice } from '../../server/src/model/kernels.js';
import { encodePrompt } from '../../server/src/reader/prompt/encode.js';
import { trustedTextToPieces } from '../oracles/trusted-text.js';
import {
  differences,
  GOLDENS,
  imageFeatures,
  GOLDEN_CASES,
  GoldenTensors,
  loadExact,
  readExpectations,
  type ConvertedModel,
  type GoldenRun,
} from './golden-case.js';
import { toSlot, type TokenId } from '../../server/src/reader/ids.js';
import { GREEDY } from '../../server/src/link/requests/greedy.js';

const SLOT = toSlot(0);
const OTHER_SLOT = toSlot(1);

// Tolerances of test/goldens/README.md for f32 throughout.
const FEATURES_LARGEST = 2e-4;
const FEATURES_RELATIVE = 2e-5;
const LOGITS_LARGEST = 5e-3;
const CLOSE_MARGIN = 0.02;

export function describeGoldens(kernels: KernelChoice, cases: readonly string[] = GOLDEN_CASES): void {
  describe.each(cases)(`%s in f32, kernels ${kernels}`, (name) => {
    const expected = readExpectations(name);
    const tensors = new GoldenTensors(name);
    let model: ConvertedModel;

    beforeAll(async () => {
      model = await loadExact(path.join(GOLDENS, name, 'checkpoint'), kernels);
    }, 120_000);
    afterAll(() => model.close());

    const featuresOf = imageFeatures(() => model);

    it.each(expected.tokenize)('tokenises $text as the reference does', ({ text, ids }) => {
      const pieces = trustedTextToPieces(text, model.description.tokenizer.addedTokens);
      const { items } = encodePrompt(pieces, model.tokenizer);
      expect(items.map((item) => (item.kind === 'token' ? item.id : -200))).toEqual(ids);
    });

    it.each(expected.images)('encodes $name to the features of the reference', async (image) => {
      const { rows, values } = await featuresOf(image.name);
      expect(rows).toBe(image.imageTokens);
      const width = values.length / rows;
      const compare = (tensor: string, got: Float32Array) => {
        const wanted = tensors.floats(`${tensor}/${image.name}`);
        if (wanted === undefined) return false;
        const { largest, relative } = differences(got, wanted);
        expect(largest, tensor).toBeLessThanOrEqual(FEATURES_LARGEST);
        expect(relative, tensor).toBeLessThanOrEqual(FEATURES_RELATIVE);
        return true;
      };
      if (image.features.stored === 'full') expect(compare('features', values)).toBe(true);
      expect(compare('features.first', values.slice(0, width))).toBe(true);
      expect(compare('features.last', values.slice(-width))).toBe(true);
      const means = Float32Array.from(
        { length: rows },
        (_, row) => values.subarray(row * width, (row + 1) * width).reduce((a, b) => a + b, 0) / width,
      );
      const wantedMeans = tensors.floats(`features.rowMean/${image.name}`) ?? new Float32Array();
      expect(differences(means, wantedMeans).largest).toBeLessThanOrEqual(FEATURES_LARGEST);
    });

    it.each(expected.runs)('answers $id as the reference does', async (run) => {
      const { rows, ids } = await promptRows(model, run, featuresOf);
      expect(ids).toEqual(run.inputIds);
      expect(rows).toHaveLength(run.promptTokens);

      const { engine } = model;
      const wanted = tensors.floats(`logits/${run.id}`) ?? new Float32Array();
      const check = ({ logits, tokens }: Answer, how: string) => {
        expect(differences(logits.slice(0, wanted.length), wanted).largest, how).toBeLessThanOrEqual(
          LOGITS_LARGEST,
        );
        const close = run.greedy.margins.findIndex((margin) => margin < CLOSE_MARGIN);
        const comparable = close === -1 ? run.greedy.tokens.length : close;
        expect(tokens.slice(0, comparable), how).toEqual(run.greedy.tokens.slice(0, comparable));
      };
      check(await answer(model, rows, run.greedy.tokens.length), 'computed');

      // All rows but the last one from the cache, as the prefix cache gives them to the same prompt again.
      const found = rows.length - 1;
      engine.share(SLOT, OTHER_SLOT, 0, found);
      engine.forget(SLOT, 0, engine.limits.contextTokens);
      const again = rows.slice(found).map((row) => ({ ...row, slot: OTHER_SLOT }));
      check(await answer(model, again, run.greedy.tokens.length), 'from the cache');
      engine.forget(OTHER_SLOT, 0, engine.limits.contextTokens);
    });
  });
}

interface Answer {
  /** Of the last row of the prompt. */
  readonly logits: Float32Array;
  readonly tokens: readonly number[];
}

/** Computes the rows, the last of which samples, and answers greedily. Leaves the cells as they are. */
export async function answer(
  { engine, decoder }: ConvertedModel,
  rows: readonly StepRow[],
  tokenCount: number,
): Promise<Answer> {
  const { slot = SLOT, position: firstPosition = 0 } = rows[0] ?? {};
  const tokens: number[] = [];
  let logits = new Float32Array();
  engine.begin(slot, { ...GREEDY, maxNewTokens: tokenCount });
  try {
    let sampled: TokenId | undefined;
    for (let first = 0; first < rows.length; first += engine.limits.maxRows) {
      const step = await engine.step(rows.slice(first, first + engine.limits.maxRows));
      sampled = step[0]?.token;
      if (sampled !== undefined) logits = decoder.logits(rows.length - first - 1).slice();
    }
    while (sampled !== undefined && tokens.length < tokenCount) {
      tokens.push(sampled);
      const position = firstPosition + rows.length + tokens.length - 1;
      const [next] = await engine.step([
        { slot, position, source: { kind: 'token', token: sampled }, samples: true },
      ]);
      sampled = next?.token;
    }
  } finally {
    engine.end(slot);
  }
  return { logits, tokens };
}

export async function promptRows(
  model: ConvertedModel,
  run: GoldenRun,
  featuresOf: (image: string) => Promise<FeatureRows>,
): Promise<{ rows: StepRow[]; ids: number[] }> {
  const pieces = trustedTextToPieces(run.prompt, model.description.tokenizer.addedTokens);
  const { items } = encodePrompt(pieces, model.tokenizer);
  const sources: StepRow['source'][] = [];
  for (const item of items) {
    if (item.kind === 'token') {
      sources.push({ kind: 'token', token: item.id });
      continue;
    }
    const features = await featuresOf(run.images[item.image] ?? '');
    for (let row = 0; row < features.rows; row += 1) sources.push({ kind: 'features', features, row });
  }
  const rows = sources.map((source, position) => ({
    slot: SLOT,
    position,
    source,
    samples: position === sources.length - 1,
  }));
  return { rows, ids: items.map((item) => (item.kind === 'token' ? item.id : -200)) };
}

// The goldens in f16 on the software driver, as a GPU serves them: f16 weights and keys and values, flash attention, all tiles of an
// image in one run. How products of the language model are added up is for the environment to say, which ggml reads once in each process.
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isLongForm } from '../../harness/long-form.js';
import { toSlot } from '../../server/src/reader/ids.js';
import type { ChosenDevice } from '../../server/src/native/gpu/choose-device.js';
import { openRuntime, type Runtime } from '../../server/src/native/runtime.js';
import {
  differences,
  imageFeatures,
  GOLDENS,
  GoldenTensors,
  loadConverted,
  readExpectations,
  type ConvertedModel,
} from '../parity/golden-case.js';
import { answer, promptRows } from '../parity/goldens-suite.js';
import { findSoftwareDevice } from './software-driver.js';

const FEATURES_RELATIVE = 2e-2;
const IS_LONG = isLongForm('test:gpu');
/** Each case has some twenty runs, half of which differ in tokens alone. */
const RUNS = IS_LONG ? 6 : 2;
/** Images of one tile and of five are among the first. */
const IMAGES = IS_LONG ? Infinity : 3;

/** Of logits, by how products of the language model are added up: a token of the reference that leads by less may come second here. */
const CLOSE_MARGINS = { f16: 0.1, f32: 0.05 } as const;

/**
 * @param sums f32 makes the language model as exact as its f16 weights are, and wants a process for each golden, because the driver has ended
 *   one that compiled the programs of several. f16 is what llama.cpp takes by itself, and runs in the long form alone.
 */
export async function testGoldensOnGpu(
  cases: readonly string[],
  sums: keyof typeof CLOSE_MARGINS,
): Promise<void> {
  if (sums === 'f32') process.env['GGML_VK_DISABLE_F16'] = '1';
  const device = sums === 'f32' || IS_LONG ? await findSoftwareDevice() : null;
  describe.skipIf(device === null).each(cases)(`%s in f16 on Vulkan, sums in ${sums}`, (name) => {
    const expected = readExpectations(name);
    const tensors = new GoldenTensors(name);
    const runs = expected.runs.slice(0, RUNS);
    let model: ConvertedModel;

    beforeAll(async () => {
      model = await loadConverted(runtimeOn(device), path.join(GOLDENS, name, 'checkpoint'), 'f16');
    }, 300_000);
    afterAll(() => model.close());

    const featuresOf = imageFeatures(() => model);

    it('encodes images to the features of the reference within 2e-2', async () => {
      for (const image of expected.images.slice(0, IMAGES)) {
        const { rows, values } = await featuresOf(image.name);
        expect(rows).toBe(image.imageTokens);
        const width = values.length / rows;
        for (const [tensor, got] of [
          ['features', values],
          ['features.first', values.slice(0, width)],
          ['features.last', values.slice(-width)],
        ] as const) {
          const wanted = tensors.floats(`${tensor}/${image.name}`);
          if (wanted === undefined) continue;
          const { relative } = differences(got, wanted);
          expect(relative, `${tensor} of ${image.name}`).toBeLessThanOrEqual(FEATURES_RELATIVE);
        }
      }
    }, 600_000);

    it.each(runs)(
      'answers $id as the reference does wherever that is sure',
      async (run) => {
        const { rows } = await promptRows(model, run, featuresOf);
        const { tokens } = await answer(model, rows, run.greedy.tokens.length);
        model.engine.forget(toSlot(0), 0, model.engine.limits.contextTokens);
        const close = run.greedy.margins.findIndex((margin) => margin <= CLOSE_MARGINS[sums]);
        const comparable = close === -1 ? run.greedy.tokens.length : close;
        expect(tokens.slice(0, comparable)).toEqual(run.greedy.tokens.slice(0, comparable));
      },
      300_000,
    );
  });
}

function runtimeOn(device: ChosenDevice | null): Runtime {
  if (device === null) throw new TypeError('There is no device.');
  return openRuntime({ device, threads: 1, kernels: 'off', log: () => undefined });
}

// A LoRA checkpoint of LLaVA against the model that it was merged into by plain arithmetic: the same logits and the same features of an
// image, in f32 and as they are served in f16. Everything that can be merged is: language model, output, projector and tower. The base is
// a golden's checkpoint, the adapter is made here, as LLaVA's training saves one.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestTensor } from '../../server/src/checkpoint/fixtures/safetensors-writer.fixture.js';
import { torchBytes } from '../../server/src/checkpoint/fixtures/torch-writer.fixture.js';
import { toTokenId } from '../../server/src/reader/ids.js';
import {
  differences,
  encodeImage,
  GOLDENS,
  loadConverted,
  logitsAfter,
  nativeRuntime,
  type ConvertedModel,
} from './golden-case.js';
import { adapt, randomMatrices, readFloatTensors, writeWithWeights } from './lora-arithmetic.js';

/** Its tower was trained along and is inside, as in LLaVA 1.6. */
const CHECKPOINT = path.join(GOLDENS, 'v16-mistral-anyres', 'checkpoint');
const RANK = 4;
const ALPHA = 8;
/** Of vision_tower as LLaVA's training finds the names: those of the language model that towers have, too. */
const ADAPTED = /(?:[qkvo]_proj|(?:gate|up|down)_proj|lm_head|mm_projector\.\d)\.weight$/u;
const TRAINED_WHOLE = /mm_projector|image_newline/u;
const PROMPT = [1, 5, 9, 14, 20, 33].map(toTokenId);
/** f32 throughout, but for the order of sums; and the last digit of f16 through a whole model. */
const TOLERANCES = { f32: 1e-4, f16: 2e-2 } as const;

const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-llava-lora-'));
afterAll(() => rmSync(folder, { recursive: true }));
const matrix = randomMatrices(11);

interface Made {
  readonly lora: string;
  readonly mergedModel: string;
}

/** A weight as it is merged; what the LoRA checkpoint has of it is added to its files. */
function train(tensor: TestTensor, { halves, whole }: Record<'halves' | 'whole', TestTensor[]>): TestTensor {
  const isWhole = TRAINED_WHOLE.test(tensor.name);
  const trained = isWhole ? { ...tensor, values: tensor.values.map((value) => value * 1.25) } : tensor;
  if (isWhole) whole.push({ ...trained, name: `base_model.model.${tensor.name}` });
  if (!ADAPTED.test(tensor.name)) return trained;
  const adapted = adapt(trained, matrix, { rank: RANK, alpha: ALPHA });
  halves.push(...adapted.halves);
  return adapted.merged;
}

async function makeCheckpoints(): Promise<Made> {
  const [lora, mergedModel] = [path.join(folder, 'lora'), path.join(folder, 'merged')];
  const files = { halves: [], whole: [] };
  const merged = (await readFloatTensors(CHECKPOINT)).map((tensor) => train(tensor, files));
  writeWithWeights(CHECKPOINT, mergedModel, merged);
  mkdirSync(lora);
  cpSync(path.join(CHECKPOINT, 'config.json'), path.join(lora, 'config.json'));
  writeFileSync(path.join(lora, 'adapter_model.bin'), torchBytes(files.halves));
  writeFileSync(path.join(lora, 'non_lora_trainables.bin'), torchBytes(files.whole));
  writeFileSync(
    path.join(lora, 'adapter_config.json'),
    JSON.stringify({ base_model_name_or_path: CHECKPOINT, peft_type: 'LORA', r: RANK, lora_alpha: ALPHA }),
  );
  return { lora, mergedModel };
}

let made: Made;
beforeAll(async () => {
  made = await makeCheckpoints();
});

describe.each(['f32', 'f16'] as const)('a LoRA checkpoint in %s', (type) => {
  let model: ConvertedModel;
  let wanted: ConvertedModel;
  let base: ConvertedModel;
  beforeAll(async () => {
    const runtime = nativeRuntime('auto');
    model = await loadConverted(runtime, made.lora, type);
    wanted = await loadConverted(runtime, made.mergedModel, type);
    base = await loadConverted(runtime, CHECKPOINT, type);
  }, 120_000);
  afterAll(async () => {
    for (const one of [model, wanted, base]) await one.close();
  });

  it('gives the logits of the merged model', async () => {
    const logits = await logitsAfter(model, PROMPT);
    expect(differences(logits, await logitsAfter(wanted, PROMPT)).relative).toBeLessThan(TOLERANCES[type]);
    expect(differences(logits, await logitsAfter(base, PROMPT)).relative).toBeGreaterThan(0.1);
  });

  it('gives the features of the merged model', async () => {
    const file = path.join(GOLDENS, 'images', '336x336.png');
    const values = async (one: ConvertedModel) => (await encodeImage(one, file)).values;
    const features = await values(model);
    expect(differences(features, await values(wanted)).relative).toBeLessThan(TOLERANCES[type]);
    expect(differences(features, await values(base)).relative).toBeGreaterThan(0.1);
  });
});

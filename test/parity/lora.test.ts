// A LoRA adapter beside a model against the model that it was merged into by plain arithmetic: the same logits, in f32, through our own
// kernels where this processor has some. The adapter is made here, of random matrices for every projection of a golden's layers.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureGgufAdapter } from '../../server/src/checkpoint/cache/adapter-cache.js';
import {
  safetensorsBytes,
  type TestTensor,
} from '../../server/src/checkpoint/fixtures/safetensors-writer.fixture.js';
import { modelWeights } from '../../server/src/checkpoint/pair/model-weights.js';
import { createTensorCodec } from '../../server/src/native/tensor-codec.js';
import { toTokenId } from '../../server/src/reader/ids.js';
import {
  differences,
  GOLDENS,
  loadExact,
  logitsAfter,
  nativeRuntime,
  type ConvertedModel,
} from './golden-case.js';
import { adapt, randomMatrices, readFloatTensors, writeWithWeights } from './lora-arithmetic.js';

const CHECKPOINT = path.join(GOLDENS, 'v16-mistral-anyres', 'checkpoint');
const RANK = 4;
const ALPHA = 8;
const ADAPTED = /^model\.layers\.\d+\.(?:self_attn|mlp)\.\w+_proj\.weight$/u;
const PROMPT = [1, 5, 9, 14, 20, 33].map(toTokenId);
/** The acceptance of f16 adapters; f32 throughout comes far below it. */
const TOLERANCE = 1e-4;

const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-lora-'));
afterAll(() => rmSync(folder, { recursive: true }));

const matrix = randomMatrices(7);

/** The folders of an adapter of PEFT, and of the model with it merged. */
async function makeAdapter(): Promise<{ readonly adapter: string; readonly mergedModel: string }> {
  const [adapter, mergedModel] = [path.join(folder, 'adapter'), path.join(folder, 'merged')];
  const halves: TestTensor[] = [];
  const model = (await readFloatTensors(CHECKPOINT)).map((tensor) => {
    if (!ADAPTED.test(tensor.name)) return tensor;
    const adapted = adapt(tensor, matrix, { rank: RANK, alpha: ALPHA });
    halves.push(...adapted.halves);
    return adapted.merged;
  });
  writeWithWeights(CHECKPOINT, mergedModel, model);
  mkdirSync(adapter);
  writeFileSync(path.join(adapter, 'adapter_model.safetensors'), safetensorsBytes(halves));
  writeFileSync(
    path.join(adapter, 'adapter_config.json'),
    JSON.stringify({ peft_type: 'LORA', r: RANK, lora_alpha: ALPHA }),
  );
  return { adapter, mergedModel };
}

describe('a LoRA adapter', () => {
  let base: ConvertedModel;
  let wanted: ConvertedModel;
  let files: ReadonlyMap<string, string>;
  beforeAll(async () => {
    const { adapter, mergedModel } = await makeAdapter();
    base = await loadExact(CHECKPOINT, 'auto', async ({ model }) => {
      const ensure = (source: string): Promise<string> =>
        ensureGgufAdapter({
          source,
          weights: modelWeights(model),
          repositoryPath: path.join(folder, 'cache'),
          codec: createTensorCodec(nativeRuntime('auto')),
        });
      const peft = await ensure(adapter);
      // Found in the cache the second time, and taken as it is as a file.
      expect(await ensure(adapter)).toBe(peft);
      files = new Map([
        ['peft', peft],
        ['gguf', await ensure(peft)],
      ]);
      return files;
    });
    wanted = await loadExact(mergedModel, 'auto');
  }, 120_000);
  afterAll(async () => {
    await base.close();
    await wanted.close();
  });

  it.each(['peft', 'gguf'])('of a %s gives the logits of the model that it was merged into', async (name) => {
    const { relative } = differences(
      await logitsAfter(base, PROMPT, name),
      await logitsAfter(wanted, PROMPT),
    );
    expect(relative).toBeLessThan(TOLERANCE);
  });

  it('that is loaded while the model runs gives the same logits, and the model is as it was when it is gone', async () => {
    const before = await logitsAfter(base, PROMPT);
    for (const id of ['late', 'later']) {
      await base.engine.loadAdapter(id, files.get('peft') ?? '');
      const late = await logitsAfter(base, PROMPT, id);
      expect(late).toEqual(await logitsAfter(base, PROMPT, 'peft'));
      await logitsAfter(base, PROMPT, id);
      base.engine.unloadAdapter(id);
      expect(await logitsAfter(base, PROMPT)).toEqual(before);
    }
  });

  it('that is for no such model is refused, and costs nothing else', async () => {
    const before = await logitsAfter(base, PROMPT);
    await expect(base.engine.loadAdapter('broken', path.join(folder, 'none.gguf'))).rejects.toMatchObject({
      code: 'native.call_failed',
    });
    expect(await logitsAfter(base, PROMPT)).toEqual(before);
  });

  it('changes nothing of a request that does not name it', async () => {
    const before = await logitsAfter(base, PROMPT);
    const adapted = await logitsAfter(base, PROMPT, 'peft');
    expect(differences(adapted, before).relative).toBeGreaterThan(0.05);
    expect(await logitsAfter(base, PROMPT)).toEqual(before);
  });
});

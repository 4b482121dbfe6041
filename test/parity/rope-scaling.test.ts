// Rotary positions that are stretched, against transformers: a golden's language model with each kind of rope_scaling gives the logits
// that LlamaForCausalLM of transformers 5.18 gives with the same configuration.
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { toTokenId } from '../../server/src/reader/ids.js';
import { differences, GOLDENS, GoldenTensors, loadExact, logitsAfter } from './golden-case.js';
import { readConfig, readTensors, writeVariant, type Config } from './variant-checkpoint.js';

const CHECKPOINT = path.join(GOLDENS, 'v16-llama-anyres', 'checkpoint');
const { inputIds, cases } = JSON.parse(
  readFileSync(path.join(GOLDENS, 'rope-scaling', 'expected.json'), 'utf8'),
) as {
  readonly inputIds: readonly number[];
  readonly cases: readonly { readonly name: string; readonly config: Config }[];
};
const expected = new GoldenTensors('rope-scaling');

it.each(cases)('a model with the rope_scaling $name gives the logits of transformers', async (scaled) => {
  const config: Config = { ...readConfig(CHECKPOINT), ...scaled.config };
  const folder = writeVariant(CHECKPOINT, config, readTensors(CHECKPOINT));
  try {
    const model = await loadExact(folder);
    try {
      const logits = await logitsAfter(model, inputIds.map(toTokenId));
      const wanted = expected.floats(`logits/${scaled.name}`) ?? new Float32Array();
      expect(wanted).toHaveLength(1000);
      expect(differences(logits, wanted).largest).toBeLessThanOrEqual(5e-3);
    } finally {
      await model.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

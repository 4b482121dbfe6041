import { expect, it } from 'vitest';
import { isLoraCheckpoint } from './lora-files.js';

const ADAPTER = ['adapter_config.json', 'adapter_model.bin', 'config.json'];

it('a LoRA checkpoint has an adapter and a configuration, and no weights of a whole model', () => {
  expect(isLoraCheckpoint([...ADAPTER, 'non_lora_trainables.bin'])).toBe(true);
  expect(isLoraCheckpoint(ADAPTER)).toBe(true);
  expect(isLoraCheckpoint([...ADAPTER, 'model.safetensors'])).toBe(false);
  for (const missing of ADAPTER)
    expect(isLoraCheckpoint(ADAPTER.filter((name) => name !== missing))).toBe(false);
});

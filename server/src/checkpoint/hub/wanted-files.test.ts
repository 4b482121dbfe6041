import { describe, expect, it } from 'vitest';
import type { HubFile } from './listing.js';
import { loraFiles, smallFiles, weightsOf } from './wanted-files.js';

const files = (...names: string[]): HubFile[] =>
  names.map((name) => ({ name, sizeBytes: 1, hash: { kind: 'git', hex: '0' } }));
const namesOf = (list: readonly HubFile[]) => list.map(({ name }) => name).sort();

/** As published: liuhaotian/llava-v1.5-7b with what other repositories have beside the weights. */
const PUBLISHED = files(
  '.gitattributes',
  'README.md',
  'config.json',
  'generation_config.json',
  'mm_projector.bin',
  'model.gguf',
  'optimizer.pt',
  'image.png',
  'preprocessor_config.json',
  'pytorch_model-00001-of-00002.bin',
  'pytorch_model-00002-of-00002.bin',
  'pytorch_model.bin.index.json',
  'special_tokens_map.json',
  'tf_model.h5',
  'flax_model.msgpack',
  'tokenizer.json',
  'tokenizer.model',
  'tokenizer_config.json',
  'trainer_state.json',
  'training_args.bin',
);

describe('smallFiles', () => {
  it('takes the configuration and the safetensors of an adapter, and nothing else of its repository', () => {
    const names = [
      'README.md',
      'adapter_config.json',
      'adapter_model.bin',
      'adapter_model.safetensors',
      'config.json',
    ];
    const wanted = smallFiles(files(...names), 'adapter');
    expect(namesOf(wanted)).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    expect(namesOf(smallFiles(files(...names.slice(0, 3)), 'adapter'))).toEqual([
      'adapter_config.json',
      'adapter_model.bin',
    ]);
  });

  it('takes configuration, one tokenizer and the index of a model', () => {
    expect(namesOf(smallFiles(PUBLISHED, 'model'))).toEqual([
      'config.json',
      'generation_config.json',
      'preprocessor_config.json',
      'pytorch_model.bin.index.json',
      'special_tokens_map.json',
      'tokenizer.model',
      'tokenizer_config.json',
    ]);
  });

  it('takes the files that may hold a chat template', () => {
    const names = ['chat_template.jinja', 'chat_template.json', 'processor_config.json'];
    expect(namesOf(smallFiles(files(...names), 'model'))).toEqual(names);
  });

  it('takes tokenizer.json where there is no tokenizer.model', () => {
    expect(namesOf(smallFiles(files('tokenizer.json', 'vocab.json'), 'model'))).toEqual(['tokenizer.json']);
  });

  it('takes no tokenizer of a tower, and no index for its settings alone', () => {
    expect(namesOf(smallFiles(PUBLISHED, 'tower'))).toEqual([
      'config.json',
      'preprocessor_config.json',
      'pytorch_model.bin.index.json',
    ]);
    expect(namesOf(smallFiles(PUBLISHED, 'tower-settings'))).toEqual([
      'config.json',
      'preprocessor_config.json',
    ]);
  });
});

describe('loraFiles', () => {
  const lora = files(
    'config.json',
    'adapter_config.json',
    'adapter_model.bin',
    'non_lora_trainables.bin',
    'trainer_state.json',
  );

  it('takes the weights of a LoRA checkpoint, and configurations before them', () => {
    expect(namesOf(loraFiles(lora) ?? [])).toEqual(['adapter_model.bin', 'non_lora_trainables.bin']);
    expect(namesOf(smallFiles(lora, 'model'))).toEqual(['adapter_config.json', 'config.json']);
  });

  it('finds none in the repository of a whole model', () => {
    expect(loraFiles([...lora, ...files('model.safetensors')])).toBeUndefined();
    expect(loraFiles(PUBLISHED)).toBeUndefined();
  });
});

describe('weightsOf', () => {
  it('prefers safetensors to PyTorch files and one file to an index, as transformers does', () => {
    const all = files(
      'pytorch_model.bin',
      'pytorch_model.bin.index.json',
      'model.safetensors',
      'model.safetensors.index.json',
    );
    expect(weightsOf(all)?.single?.name).toBe('model.safetensors');
    expect(weightsOf(all.filter(({ name }) => name !== 'model.safetensors'))?.index?.name).toBe(
      'model.safetensors.index.json',
    );
    expect(weightsOf(all.slice(0, 2))?.single?.name).toBe('pytorch_model.bin');
    expect(weightsOf(all.slice(1, 2))?.index?.name).toBe('pytorch_model.bin.index.json');
  });

  it('takes a lone shard that has no index for the whole', () => {
    expect(weightsOf(files('model-00001-of-00001.safetensors'))?.single?.name).toBe(
      'model-00001-of-00001.safetensors',
    );
    expect(weightsOf(files('model-00001-of-00002.safetensors'))).toBeUndefined();
  });

  it('finds none where there are none', () => {
    expect(weightsOf(files('config.json', 'model.gguf', 'training_args.bin'))).toBeUndefined();
  });
});

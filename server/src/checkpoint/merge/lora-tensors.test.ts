import { describe, expect, it } from 'vitest';
import type { StoredTensor } from '../files/stored-tensor.js';
import { sortLoraTensors } from './lora-tensors.js';

const tensor = (name: string, ...shape: number[]): StoredTensor => ({
  name: `base_model.model.${name}`,
  elementType: 'F32',
  shape,
  file: 'adapter_model.bin',
  read: () => Promise.resolve(new Uint8Array()),
});
const Q = 'model.layers.0.self_attn.q_proj';

describe('sortLoraTensors', () => {
  it('pairs halves and names weights canonically', () => {
    const { pairs, whole } = sortLoraTensors([
      [tensor('model.mm_projector.0.weight', 4, 4), tensor('model.image_newline', 4)],
      [
        tensor(`${Q}.lora_A.weight`, 2, 4),
        tensor(`${Q}.lora_B.weight`, 4, 2),
        tensor(
          'model.vision_tower.vision_tower.vision_model.encoder.layers.0.mlp.fc1.lora_A.default.weight',
          2,
          4,
        ),
        tensor(
          'model.vision_tower.vision_tower.vision_model.encoder.layers.0.mlp.fc1.lora_B.default.weight',
          4,
          2,
        ),
        tensor('model.embed_tokens.lora_embedding_A', 2, 8),
        tensor('model.embed_tokens.lora_embedding_B', 4, 2),
      ],
    ]);
    expect([...whole.keys()]).toEqual(['projector.0.weight', 'newline']);
    expect([...pairs].map(([name, { module, order, rank }]) => [name, module, order, rank])).toEqual([
      [`${Q}.weight`, Q, 'rows', 2],
      [
        'tower.encoder.layers.0.mlp.fc1.weight',
        'model.vision_tower.vision_tower.vision_model.encoder.layers.0.mlp.fc1',
        'rows',
        2,
      ],
      ['model.embed_tokens.weight', 'model.embed_tokens', 'columns', 2],
    ]);
  });

  it('takes the later of two whole weights, from within the layers that PEFT puts around them', () => {
    const { whole } = sortLoraTensors([
      [tensor('lm_head.modules_to_save.default.weight', 1), tensor('lm_head.original_module.weight', 2)],
      [tensor('lm_head.weight', 3), tensor(`${Q}.base_layer.bias`, 4)],
    ]);
    expect([...whole].map(([name, { shape }]) => [name, shape])).toEqual([
      ['lm_head.weight', [3]],
      [`${Q}.bias`, [4]],
    ]);
  });

  it.each<[string, StoredTensor[], string]>([
    [
      'two pairs for one weight',
      [tensor(`${Q}.lora_A.a.weight`, 2, 4), tensor(`${Q}.lora_A.b.weight`, 2, 4)],
      'belong to the same weight',
    ],
    [
      'a bias of LoRA matrices',
      [tensor(`${Q}.lora_B.bias`, 4)],
      'is no LoRA matrix and no weight of the model',
    ],
    [
      'tokens that were trained alone',
      [tensor('model.embed_tokens.token_adapter.trainable_tokens_delta', 2, 4)],
      'is no LoRA matrix',
    ],
    [
      'halves of different ranks',
      [tensor(`${Q}.lora_A.weight`, 2, 4), tensor(`${Q}.lora_B.weight`, 4, 3)],
      'have shapes [2, 4] and [4, 3]',
    ],
    [
      'a rank beyond all reason',
      [tensor(`${Q}.lora_A.weight`, 2048, 4), tensor(`${Q}.lora_B.weight`, 4, 2048)],
      'at most 1024',
    ],
    [
      'integers',
      [tensor(`${Q}.lora_A.weight`, 2, 4), { ...tensor(`${Q}.lora_B.weight`, 4, 2), elementType: 'I8' }],
      'stored as I8',
    ],
  ])('refuses %s', (_, stored, message) => {
    expect(() => sortLoraTensors([stored])).toThrow(message);
  });
});

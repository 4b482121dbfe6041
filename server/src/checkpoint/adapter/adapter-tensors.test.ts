import { describe, expect, it } from 'vitest';
import type { StoredTensor } from '../files/stored-tensor.js';
import { textTensors } from '../source/text-tensors.js';
import { adapterTensors } from './adapter-tensors.js';

const WEIGHTS = textTensors(
  {
    hiddenSize: 8,
    feedForwardSize: 12,
    layerCount: 2,
    headSize: 4,
    headCount: 2,
    kvHeadCount: 1,
    tiesEmbeddings: false,
  },
  20,
);
const tensor = (name: string, ...shape: number[]): StoredTensor => ({
  name,
  elementType: 'F32',
  shape,
  file: 'adapter_model.safetensors',
  read: () => Promise.resolve(new Uint8Array()),
});
const pair = (place: string, input: number, out: number, rank = 2): StoredTensor[] => [
  tensor(`${place}.lora_A.weight`, rank, input),
  tensor(`${place}.lora_B.weight`, out, rank),
];
const map = (...stored: StoredTensor[]) => adapterTensors(stored, WEIGHTS, 'adapter_model.safetensors');
const Q = 'base_model.model.model.layers.1.self_attn.q_proj';

describe('adapterTensors', () => {
  it.each([
    { place: Q, input: 8, out: 8, gguf: 'blk.1.attn_q.weight', heads: 4 },
    {
      place: 'base_model.model.model.layers.0.self_attn.k_proj',
      input: 8,
      out: 4,
      gguf: 'blk.0.attn_k.weight',
      heads: 4,
    },
    {
      place: 'base_model.model.model.layers.0.self_attn.v_proj',
      input: 8,
      out: 4,
      gguf: 'blk.0.attn_v.weight',
      heads: null,
    },
    {
      place: 'base_model.model.language_model.model.layers.0.mlp.down_proj',
      input: 12,
      out: 8,
      gguf: 'blk.0.ffn_down.weight',
      heads: null,
    },
    {
      place: 'base_model.model.model.language_model.layers.1.mlp.up_proj',
      input: 8,
      out: 12,
      gguf: 'blk.1.ffn_up.weight',
      heads: null,
    },
    { place: 'base_model.model.lm_head', input: 8, out: 20, gguf: 'output.weight', heads: null },
  ])(
    'places the halves of $place beside $gguf, in the order of its rows',
    ({ place, input, out, gguf, heads }) => {
      expect(map(...pair(place, input, out))).toMatchObject([
        { ggufName: `${gguf}.lora_a`, dimensions: [input, 2], rotaryHeadRows: null },
        { ggufName: `${gguf}.lora_b`, dimensions: [2, out], rotaryHeadRows: heads },
      ]);
    },
  );

  it('reads names with the name of the adapter in them', () => {
    const named = map(tensor(`${Q}.lora_A.default.weight`, 2, 8), tensor(`${Q}.lora_B.default.weight`, 8, 2));
    expect(named.map(({ ggufName }) => ggufName)).toEqual([
      'blk.1.attn_q.weight.lora_a',
      'blk.1.attn_q.weight.lora_b',
    ]);
  });

  it.each([
    { name: 'base_model.model.model.embed_tokens.lora_embedding_A', says: 'changes the token table' },
    {
      name: 'base_model.model.model.vision_tower.vision_tower.vision_model.encoder.layers.0.mlp.fc1.lora_A.weight',
      says: 'changes the image side',
    },
    { name: 'base_model.model.model.mm_projector.0.lora_B.weight', says: 'changes the image side' },
    { name: `${Q}.lora_magnitude_vector`, says: 'is no pair of LoRA matrices' },
    { name: 'base_model.model.model.layers.7.mlp.up_proj.lora_A.weight', says: 'belongs to no matrix' },
    { name: 'base_model.model.model.layers.0.input_layernorm.lora_A.weight', says: 'belongs to no matrix' },
  ])('refuses $name, since it $says', ({ name, says }) => {
    expect(() => map(...pair(Q, 8, 8), tensor(name, 2, 8))).toThrow(says);
  });

  it('refuses an adapter for a model of another size, one without tensors, and halves that are alone', () => {
    expect(() => map(...pair(Q, 16, 16))).toThrow('does not fit the weight [8, 8] of this model');
    expect(() => map()).toThrow('has no tensors');
    expect(() => map(tensor(`${Q}.lora_A.weight`, 2, 8))).toThrow('no other half of the same rank');
    expect(() => map(tensor(`${Q}.lora_A.weight`, 2, 8), tensor(`${Q}.lora_B.weight`, 8, 3))).toThrow(
      'no other half of the same rank',
    );
  });
});

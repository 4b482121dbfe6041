import { describe, expect, it } from 'vitest';
import { canonicalName, type TensorLayout } from './tensor-names.js';

describe('canonicalName', () => {
  it.each<[TensorLayout, string, string]>([
    ['original', 'model.embed_tokens.weight', 'model.embed_tokens.weight'],
    ['original', 'model.mm_projector.0.weight', 'projector.0.weight'],
    ['original', 'model.mm_projector.bias', 'projector.0.bias'],
    ['original', 'model.image_newline', 'newline'],
    [
      'original',
      'model.vision_tower.vision_tower.vision_model.pre_layrnorm.weight',
      'tower.pre_layrnorm.weight',
    ],
    ['original', 'model.vision_tower.vision_tower.pre_layrnorm.weight', 'tower.pre_layrnorm.weight'],
    ['hub', 'language_model.model.layers.3.mlp.up_proj.weight', 'model.layers.3.mlp.up_proj.weight'],
    ['hub', 'language_model.lm_head.weight', 'lm_head.weight'],
    ['hub', 'multi_modal_projector.linear_2.bias', 'projector.2.bias'],
    ['hub', 'vision_tower.vision_model.embeddings.class_embedding', 'tower.embeddings.class_embedding'],
    ['hub', 'model.language_model.norm.weight', 'model.norm.weight'],
    ['hub', 'lm_head.weight', 'lm_head.weight'],
    ['hub', 'model.multi_modal_projector.linear_1.weight', 'projector.0.weight'],
    ['hub', 'model.vision_tower.embeddings.class_embedding', 'tower.embeddings.class_embedding'],
    [
      'hub',
      'model.vision_tower.vision_model.encoder.layers.0.mlp.fc1.bias',
      'tower.encoder.layers.0.mlp.fc1.bias',
    ],
    ['hub', 'model.image_newline', 'newline'],
    ['hub', 'image_newline', 'newline'],
    ['clip', 'vision_model.embeddings.class_embedding', 'tower.embeddings.class_embedding'],
    ['clip', 'encoder.layers.0.mlp.fc1.bias', 'tower.encoder.layers.0.mlp.fc1.bias'],
    ['clip', 'pre_layrnorm.bias', 'tower.pre_layrnorm.bias'],
  ])('%s: %s is %s', (layout, name, use) => {
    expect(canonicalName(name, layout)).toEqual({ use });
  });

  it.each<[TensorLayout, string]>([
    ['original', 'model.layers.0.self_attn.rotary_emb.inv_freq'],
    ['original', 'model.vision_tower.vision_tower.vision_model.embeddings.position_ids'],
    ['clip', 'text_model.encoder.layers.0.mlp.fc1.bias'],
    ['clip', 'visual_projection.weight'],
    ['clip', 'logit_scale'],
  ])('%s: %s is skipped', (layout, name) => {
    expect(canonicalName(name, layout)).toBe('skip');
  });
});

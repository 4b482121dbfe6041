import { describe, expect, it } from 'vitest';
import { configSchema } from './config-schema.js';
import { hubSettings, originalSettings } from './llava-settings.js';

const original = (config: object) => originalSettings(configSchema.parse(config), 'config.json');
const hub = (config: object, isNext = false) =>
  hubSettings(configSchema.parse(config), isNext, 'config.json');

describe('originalSettings', () => {
  it("has the reference's defaults for absent keys", () => {
    expect(original({})).toEqual({
      towerName: null,
      towerIsTrained: false,
      selectLayer: -2,
      keepsClassToken: false,
      projectorLayers: 1,
      aspect: 'square',
      mergeType: 'flat',
      pinpoints: undefined,
      wrapsImageInStartEnd: false,
      reservesPatchToken: true,
    });
  });

  it.each([
    ['linear', 1],
    ['identity', 0],
    ['mlp1x_gelu', 1],
    ['mlp2x_gelu', 2],
    ['mlp3x_gelu', 3],
  ])('reads projector %s as %i layers', (mm_projector_type, layers) => {
    expect(original({ mm_projector_type }).projectorLayers).toBe(layers);
  });

  it('knows a trained tower by either key, and the old name of the tower', () => {
    expect(original({ unfreeze_mm_vision_tower: true }).towerIsTrained).toBe(true);
    expect(original({ mm_tunable_parts: 'mm_mlp_adapter,mm_vision_tower' }).towerIsTrained).toBe(true);
    expect(original({ mm_tunable_parts: 'mm_mlp_adapter' }).towerIsTrained).toBe(false);
    expect(original({ vision_tower: 'openai/clip' }).towerName).toBe('openai/clip');
  });

  it('takes any unknown aspect for the plain processor, as the reference does', () => {
    expect(original({ image_aspect_ratio: 'whatever' }).aspect).toBe('square');
    expect(original({ image_aspect_ratio: null }).aspect).toBe('square');
    expect(original({ image_aspect_ratio: 'anyres' }).aspect).toBe('anyres');
  });

  it.each([
    [{ mm_projector_type: 'mlp2x_res2x_gelu' }, 'mm_projector_type'],
    [{ mm_projector_type: 'pooler' }, 'mm_projector_type'],
    [{ mm_projector_type: 'mlp0x_gelu' }, 'mm_projector_type'],
    [{ image_aspect_ratio: 'anyres_max_9' }, 'image_aspect_ratio'],
    [{ image_aspect_ratio: 'highres' }, 'image_aspect_ratio'],
    [{ mm_patch_merge_type: 'spatial_maxpool2x2' }, 'mm_patch_merge_type'],
    [{ mm_vision_select_feature: 'cls' }, 'mm_vision_select_feature'],
  ])('refuses %j, which would change the answers', (config, key) => {
    expect(() => original(config)).toThrow(key);
  });
});

describe('the class token of an original checkpoint', () => {
  const cls = { mm_vision_select_feature: 'cls_patch' };

  it.each(['spatial', 'spatial_unpad'])(
    'is refused with anyres and %s, where the reference fails',
    (merge) => {
      const config = { ...cls, image_aspect_ratio: 'anyres', mm_patch_merge_type: merge };
      expect(() => original(config)).toThrow(`merged as ${merge}: a map has no place for it`);
    },
  );

  it('is kept where tiles are merged flat, and where there are none', () => {
    expect(original({ ...cls, image_aspect_ratio: 'anyres' }).keepsClassToken).toBe(true);
    const unused = { ...cls, image_aspect_ratio: 'pad', mm_patch_merge_type: 'spatial_unpad' };
    expect(original(unused).keepsClassToken).toBe(true);
  });
});

describe('hubSettings', () => {
  it('prepares images as the original models do', () => {
    expect(hub({})).toMatchObject({ aspect: 'pad', mergeType: 'flat', projectorLayers: 2, selectLayer: -2 });
    expect(hub({}, true)).toMatchObject({ aspect: 'anyres', mergeType: 'spatial_unpad' });
    expect(hub({ vision_feature_select_strategy: 'full', vision_feature_layer: -1 })).toMatchObject({
      keepsClassToken: true,
      selectLayer: -1,
    });
    expect(hub({ image_aspect_ratio: 'square' }).aspect).toBe('square');
  });

  it('takes a list of one layer for that layer', () => {
    expect(hub({ vision_feature_layer: [-3] }).selectLayer).toBe(-3);
    expect(() => hub({ vision_feature_layer: [] })).toThrow('a list of 0 layers');
  });

  it('refuses the class token of a LLaVA-NeXT, which has no place in its map', () => {
    expect(() => hub({ vision_feature_select_strategy: 'full' }, true)).toThrow('merged as spatial_unpad');
    const flat = { vision_feature_select_strategy: 'full', mm_patch_merge_type: 'flat' };
    expect(hub(flat, true).keepsClassToken).toBe(true);
  });

  it('refuses several feature layers and projectors of another form', () => {
    expect(() => hub({ vision_feature_layer: [-2, -5] })).toThrow(
      'vision_feature_layer is a list of 2 layers',
    );
    expect(() => hub({ projector_hidden_act: 'relu' })).toThrow('projector');
    expect(() => hub({ multimodal_projector_bias: false })).toThrow('projector');
  });
});

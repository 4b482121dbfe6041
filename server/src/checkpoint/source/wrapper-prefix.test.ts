import { describe, expect, it } from 'vitest';
import { unwrappedName, wrapperWarning } from './wrapper-prefix.js';

const INNER = 'model.layers.0.mlp.up_proj.weight';

describe('unwrappedName', () => {
  it.each([
    `base_model.model.${INNER}`,
    `module.${INNER}`,
    `_orig_mod.${INNER}`,
    `_orig_mod.module.${INNER}`,
    `module._orig_mod.base_model.model.${INNER}`,
    `base_model.model._orig_mod.${INNER}`,
    'model._orig_mod.layers.0.mlp.up_proj.weight',
    '_fsdp_wrapped_module.model.layers.0._fsdp_wrapped_module._checkpoint_wrapped_module.mlp.up_proj.weight',
  ])('leaves the wrappers out of %s', (name) => {
    expect(unwrappedName(name)).toBe(INNER);
  });

  it.each([INNER, 'lm_head.weight', 'model.base_model.model.x', 'my_orig_mod.x', 'model.module.x'])(
    'leaves %s alone',
    (name) => {
      expect(unwrappedName(name)).toBe(name);
    },
  );
});

describe('wrapperWarning', () => {
  it('names an example, and nothing where nothing is wrapped', () => {
    expect(wrapperWarning(['lm_head.weight', `module.${INNER}`])).toBe(
      `1 tensors have names of a wrapper that the model was trained in; it is left out, as module.${INNER} is read as ${INNER}.`,
    );
    expect(wrapperWarning([INNER])).toBeUndefined();
  });
});

import { expect, it } from 'vitest';
import { ConfigError } from '../errors.js';
import { parseTextQuant, parseTowerQuant } from './quantisation.js';

it('takes the name of a quantisation in any letter case', () => {
  expect(parseTextQuant('Q4_K_M')).toBe('q4_k_m');
  expect(parseTowerQuant('AUTO')).toBe('auto');
});

it('names the setting and what is allowed when there is no such quantisation', () => {
  expect(() => parseTextQuant('q3_k')).toThrow(ConfigError);
  expect(() => parseTextQuant('q3_k')).toThrow(
    /TAKEOFF_QUANT_TYPE is "q3_k"; allowed are auto, f32, .*q4_k_m/u,
  );
  expect(() => parseTowerQuant('q4_0')).toThrow('TAKEOFF_VISION_QUANT_TYPE is "q4_0"');
});

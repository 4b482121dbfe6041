// The names under which an operator chooses how weights are stored. What each of them means for a tensor is
// checkpoint/convert/quantisation.ts; here are the words alone, for everything that passes a choice on.
import { ConfigError } from '../errors.js';

/** Types of the language model's weights. */
export const TEXT_QUANTS = ['f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'q4_k_m', 'q5_k_m', 'q6_k'] as const;
export type TextQuant = (typeof TEXT_QUANTS)[number];

/** Types of the vision tower's weights. */
export const TOWER_QUANTS = ['f32', 'f16', 'bf16', 'q8_0'] as const;
export type TowerQuant = (typeof TOWER_QUANTS)[number];

/** `auto` chooses by the size of the model. */
export const TEXT_QUANT_CHOICES = ['auto', ...TEXT_QUANTS] as const;
export type TextQuantChoice = (typeof TEXT_QUANT_CHOICES)[number];

export const TOWER_QUANT_CHOICES = ['auto', ...TOWER_QUANTS] as const;
export type TowerQuantChoice = (typeof TOWER_QUANT_CHOICES)[number];

/**
 * In any letter case.
 * @throws ConfigError
 */
export const parseTextQuant = (text: string): TextQuantChoice =>
  oneOf(text, TEXT_QUANT_CHOICES, 'TAKEOFF_QUANT_TYPE');

/**
 * In any letter case.
 * @throws ConfigError
 */
export const parseTowerQuant = (text: string): TowerQuantChoice =>
  oneOf(text, TOWER_QUANT_CHOICES, 'TAKEOFF_VISION_QUANT_TYPE');

function oneOf<T extends string>(text: string, allowed: readonly T[], setting: string): T {
  const found = allowed.find((name) => name === text.toLowerCase());
  if (found !== undefined) return found;
  throw new ConfigError(`${setting} is ${JSON.stringify(text)}; allowed are ${allowed.join(', ')}.`);
}

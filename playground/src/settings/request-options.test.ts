import { NUMERIC_FIELDS } from 'takeoff-wire';
import { describe, expect, it } from 'vitest';
import {
  hasProblems,
  NUMBER_NAMES,
  NUMBER_SETTINGS,
  numberProblem,
  requestOptions,
  schemaProblem,
  STANDARD_SETTINGS,
  type Settings,
} from './request-options.js';

const settings = (changes: Partial<Settings>): Settings => ({ ...STANDARD_SETTINGS, ...changes });
const numbers = (typed: Partial<Settings['numbers']>): Settings =>
  settings({ numbers: { ...STANDARD_SETTINGS.numbers, ...typed } });

describe('NUMBER_SETTINGS', () => {
  it('has the ranges and defaults of the API, field by field', () => {
    // The budget of images may be a word too, and its default is a setting of the reader.
    const { imageTokenBudget, ...numeric } = NUMBER_SETTINGS;
    const shown = Object.values(numeric).map(({ field, min, max, exclusiveMin, standard }) => [
      field,
      { min, max, exclusiveMin, default: standard === 'no limit' ? null : Number(standard) },
    ]);
    expect(Object.fromEntries(shown)).toEqual(NUMERIC_FIELDS);
    expect(imageTokenBudget).toMatchObject({ field: 'image_token_budget', min: 1, isInteger: true });
  });

  it('is listed whole in NUMBER_NAMES', () =>
    expect([...NUMBER_NAMES].sort()).toEqual(Object.keys(NUMBER_SETTINGS).sort()));
});

describe('numberProblem', () => {
  it.each([
    ['samplingTopp', '1.5', 'Allowed is a number from 0 up to 1.'],
    ['maxNewTokens', '2.5', 'Allowed is a whole number from 1.'],
    ['repetitionPenalty', '0', 'Allowed is a number above 0 up to 100.'],
    ['samplingTopk', 'many', 'Allowed is a whole number from -1.'],
  ] as const)('of %s %s says what is allowed', (name, typed, said) =>
    expect(numberProblem(name, typed)).toBe(said),
  );

  it.each([
    ['samplingTopk', '-1'],
    ['samplingTemperature', '0.7'],
    ['maxNewTokens', ' '],
  ] as const)('has none with %s %j', (name, typed) => expect(numberProblem(name, typed)).toBeUndefined());
});

describe('schemaProblem', () => {
  it('says where text stops being JSON', () => expect(schemaProblem('{"a": ')).toMatch(/^This is not JSON/u));
  it('refuses JSON that is no schema', () => expect(schemaProblem('[1]')).toContain('object'));
  it.each(['', '{}', 'true', '{"type": "object"}'])('has none with %j', (typed) =>
    expect(schemaProblem(typed)).toBeUndefined(),
  );
});

describe('requestOptions', () => {
  it('sends the template and nothing else by default', () =>
    expect(requestOptions(STANDARD_SETTINGS, { group: '', lora: '' })).toEqual({ useChatTemplate: true }));

  it('sends what was typed as numbers, the parsed schema, the group and the adapter', () => {
    const typed = { ...numbers({ samplingTopk: '40', samplingTemperature: '0.5' }), jsonSchema: '{"a":1}' };
    expect(requestOptions({ ...typed, useChatTemplate: false }, { group: 'second', lora: 'birds' })).toEqual({
      consumerGroup: 'second',
      loraId: 'birds',
      samplingTopk: 40,
      samplingTemperature: 0.5,
      jsonSchema: { a: 1 },
    });
  });
});

it('hasProblems sees a wrong number and a wrong schema', () => {
  expect(hasProblems(STANDARD_SETTINGS)).toBe(false);
  expect(hasProblems(numbers({ samplingTopp: '7' }))).toBe(true);
  expect(hasProblems(settings({ jsonSchema: '{' }))).toBe(true);
});

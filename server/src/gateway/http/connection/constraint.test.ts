import { describe, expect, it } from 'vitest';
import { InputError } from '../../../errors.js';
import { choicesConstraint, jsonObjectConstraint, jsonSchemaConstraint } from './constraint.js';

/** Lists in lists, as JSON.parse would give them without complaint. */
function nested(levels: number): object {
  let value: object = {};
  for (let level = 0; level < levels; level += 1) value = [value];
  return { enum: value };
}
const refusalOf = (work: () => unknown): InputError => {
  try {
    work();
  } catch (error) {
    if (error instanceof InputError) return error;
  }
  throw new Error('Nothing was refused.');
};

describe('jsonSchemaConstraint', () => {
  it('refuses JSON that is nested deeper than a recursion could follow, without following it', () => {
    const refusal = refusalOf(() => jsonSchemaConstraint(nested(200_000), 'json_schema'));
    expect([refusal.code, refusal.message, refusal.details]).toEqual([
      'request.constraint_too_large',
      'json_schema has more than 100 levels of JSON.',
      { field: 'json_schema' },
    ]);
    expect(() => jsonSchemaConstraint(nested(90), 'json_schema')).not.toThrow();
  });

  it('refuses a schema of more characters than allowed', () => {
    const refusal = refusalOf(() => jsonSchemaConstraint({ const: 'x'.repeat(300_000) }, 'guided_json'));
    expect(refusal.message).toBe('guided_json has more than 262144 characters.');
  });
});

describe('choicesConstraint', () => {
  it('keeps choices in their order and refuses none, too many and too long ones', () => {
    expect(choicesConstraint(['b', 'a'], 'guided_choice')).toEqual({
      kind: 'choices',
      field: 'guided_choice',
      choices: ['b', 'a'],
    });
    const codes = [[], Array.from({ length: 1_001 }, String), ['x'.repeat(1_025)]].map(
      (choices) => refusalOf(() => choicesConstraint(choices, 'guided_choice')).code,
    );
    expect(codes).toEqual([
      'request.wrong_shape',
      'request.constraint_too_large',
      'request.constraint_too_large',
    ]);
  });
});

it('jsonObjectConstraint is a schema of any object', () => {
  const field = 'response_format';
  expect(jsonObjectConstraint(field)).toEqual({ kind: 'json_schema', field, schema: '{"type":"object"}' });
});

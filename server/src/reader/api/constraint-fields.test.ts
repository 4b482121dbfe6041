import { describe, expect, it } from 'vitest';
import type { Constraint } from '../../link/requests/messages.js';
import type { ApiDialect } from '../../model/api-dialect.js';
import { constraintFields } from './constraint-fields.js';
import type { Endpoint } from './dialects.js';

const schema: Constraint = { kind: 'json_schema', field: 'json_schema', schema: '{"type":"object"}' };
const regex: Constraint = { kind: 'regex', field: 'regex_string', pattern: 'a+' };
const choices: Constraint = { kind: 'choices', field: 'guided_choice', choices: ['yes', 'n.o'] };
const functionOf = (name: string, parameters: object) => ({
  name,
  parameters: { kind: 'json_schema', field: 'tools', schema: JSON.stringify(parameters) } as const,
});
const call: Constraint = {
  kind: 'function_call',
  field: 'tools',
  functions: [
    functionOf('f', { $defs: { d: { type: 'integer' } }, properties: { n: { $ref: '#/$defs/d' } } }),
  ],
};
const calls: Constraint = {
  kind: 'function_call',
  field: 'tools',
  functions: [functionOf('f', {}), functionOf('g', {})],
};
const responseFormat = (of: unknown) => ({
  response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: of, strict: true } },
});

describe('the form of an answer in the words of a cluster', () => {
  it.each<[ApiDialect, Endpoint, Constraint, object]>([
    ['vllm', 'chat', schema, responseFormat({ type: 'object' })],
    ['vllm', 'completions', schema, responseFormat({ type: 'object' })],
    ['vllm', 'chat', regex, { structured_outputs: { regex: 'a+' }, guided_regex: 'a+' }],
    [
      'vllm',
      'chat',
      choices,
      { structured_outputs: { choice: ['yes', 'n.o'] }, guided_choice: ['yes', 'n.o'] },
    ],
    ['sglang', 'chat', schema, responseFormat({ type: 'object' })],
    ['sglang', 'completions', schema, { json_schema: '{"type":"object"}' }],
    ['sglang', 'chat', regex, { regex: 'a+' }],
    ['sglang', 'chat', choices, { regex: String.raw`(yes|n\.o)` }],
    ['tgi', 'chat', schema, { response_format: { type: 'json', value: { type: 'object' } } }],
    ['tgi', 'chat', regex, { response_format: { type: 'regex', value: 'a+' } }],
    ['tgi', 'chat', choices, { response_format: { type: 'regex', value: String.raw`(yes|n\.o)` } }],
    ['takeoff', 'chat', regex, { guided_regex: 'a+' }],
    ['takeoff', 'completions', choices, { guided_choice: ['yes', 'n.o'] }],
    ['openai', 'chat', schema, responseFormat({ type: 'object' })],
  ])('%s, %s', (dialect, endpoint, constraint, fields) => {
    expect(constraintFields(constraint, dialect, endpoint)).toEqual(fields);
  });

  it('is for a call of a function an object whose references still find what they name', () => {
    const parameters = {
      $defs: { d: { type: 'integer' } },
      properties: { n: { $ref: '#/properties/arguments/$defs/d' } },
    };
    expect(constraintFields(call, 'openai', 'chat')).toEqual(
      responseFormat({
        type: 'object',
        properties: { name: { const: 'f' }, arguments: parameters },
        required: ['name', 'arguments'],
        additionalProperties: false,
      }),
    );
  });

  it('has an alternative for each of several functions', () => {
    expect(constraintFields(calls, 'vllm', 'chat')).toMatchObject({
      response_format: { json_schema: { schema: { anyOf: [{}, {}] } } },
    });
  });

  it.each<[ApiDialect, Endpoint, Constraint, string]>([
    ['openai', 'chat', regex, 'regex_string'],
    ['openai', 'chat', choices, 'guided_choice'],
    ['openai', 'chat', calls, 'tools'],
    ['openai', 'completions', schema, 'json_schema'],
    ['tgi', 'completions', schema, 'json_schema'],
  ])('is refused by name where %s has no words for it on %s', (dialect, endpoint, constraint, field) => {
    const refusal = expect.objectContaining({ code: 'request.not_supported', details: { field } }) as Error;
    expect(() => constraintFields(constraint, dialect, endpoint)).toThrow(refusal);
  });
});

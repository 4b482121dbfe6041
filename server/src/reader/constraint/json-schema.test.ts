import { describe, expect, it } from 'vitest';
import { InputError } from '../../errors.js';
import { rewriteSchema } from './json-schema.js';

const rewritten = (schema: unknown): unknown => {
  const { 'x-guidance': guidance, ...rest } = JSON.parse(rewriteSchema(schema, 'json_schema')) as Record<
    string,
    unknown
  >;
  expect(guidance).toBeDefined();
  return rest;
};
const refusalOf = (schema: unknown): InputError => {
  try {
    rewriteSchema(schema, 'json_schema');
  } catch (error) {
    if (error instanceof InputError) return error;
  }
  throw new Error('The schema was not refused.');
};
function deep(levels: number): object {
  let schema: object = { type: 'null' };
  for (let level = 0; level < levels; level += 1) schema = { items: schema };
  return schema;
}

describe('rewriteSchema', () => {
  it('keeps what is enforced in its order and leaves out what says nothing of values', () => {
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'T',
      type: 'object',
      properties: {
        title: { type: 'string', description: 'd', 'x-order': 1 },
        default: { enum: [1, { not: 2 }], default: 1 },
      },
      required: ['title'],
    };
    expect(JSON.stringify(rewritten(schema))).toBe(
      JSON.stringify({
        type: 'object',
        properties: { title: { type: 'string' }, default: { enum: [1, { not: 2 }] } },
        required: ['title'],
        additionalProperties: false,
      }),
    );
  });

  it('translates patterns wherever a schema stands', () => {
    const pattern = { type: 'string', pattern: '^\\d$' };
    const translated = { type: 'string', pattern: '^(?:[0-9])$' };
    expect(
      rewritten({ anyOf: [pattern], $defs: { a: pattern }, prefixItems: [pattern], items: pattern }),
    ).toEqual({
      anyOf: [translated],
      $defs: { a: translated },
      prefixItems: [translated],
      items: translated,
    });
  });

  it.each([
    [{ not: {} }, 'json_schema/not cannot'],
    [{ properties: { a: { if: {} } } }, 'json_schema/properties/a/if cannot'],
    [{ uniqueItems: true }, 'json_schema/uniqueItems cannot'],
    [{ patternProperties: {} }, 'json_schema/patternProperties cannot'],
    [{ 'x-guidance': { lenient: true } }, 'json_schema/x-guidance cannot'],
    [{ constructor: 1 }, 'json_schema/constructor cannot'],
    [{ nullable: true }, 'json_schema/nullable cannot'],
    [{ $ref: 'https://example.com/a.json' }, 'json_schema/$ref is "https'],
    [{ format: 'iri' }, 'json_schema/format is "iri"; allowed are date'],
    [{ minProperties: 2 }, 'json_schema/minProperties is 2'],
    [{ minItems: -1 }, 'json_schema/minItems is not a whole number'],
    [{ minimum: '1' }, 'json_schema/minimum is not a number'],
    [{ anyOf: {} }, 'json_schema/anyOf is not a list'],
    [{ properties: [] }, 'json_schema/properties is not an object'],
    [{ items: 7 }, 'json_schema/items is no schema'],
    [{ pattern: '(?=a)' }, 'json_schema/pattern has look-ahead'],
  ])('refuses %j by name', (schema, named) => {
    const { code, message } = refusalOf(schema);
    expect(code).toBe('request.constraint_unsupported');
    expect(message).toContain(named);
  });

  it.each([
    [{ maxItems: 1_001 }, 'json_schema/maxItems is 1001'],
    [{ minLength: 10_001 }, 'json_schema/minLength is 10001'],
    [{ maximum: 1e300 }, 'json_schema/maximum is 1e+300'],
    [deep(40), 'is nested 33 deep'],
    [{ enum: Array.from({ length: 10_001 }, (_, i) => i) }, 'json_schema/enum is number'],
  ])('refuses a schema that is larger than allowed, case %#', (schema, named) => {
    const { code, message } = refusalOf(schema);
    expect(code).toBe('request.constraint_too_large');
    expect(message).toContain(named);
  });

  it.each([
    [{ $ref: `https://${'x'.repeat(100_000)}` }, 'json_schema/$ref is "https://xxx'],
    [{ format: 'x'.repeat(100_000) }, 'json_schema/format is "xxx'],
    [{ minProperties: Array.from({ length: 50_000 }, () => 9) }, 'json_schema/minProperties is [9,9'],
    [{ properties: { ['x'.repeat(100_000)]: { not: {} } } }, 'xxx/not cannot be enforced'],
    [{ properties: { ['x'.repeat(100_000)]: { pattern: '(?=a)' } } }, 'xxx/pattern has look-ahead'],
  ])('names in a short sentence what is long, case %#', (schema, named) => {
    const { message } = refusalOf(schema);
    expect(message).toContain(named);
    expect(message.length).toBeLessThan(600);
  });

  const open = { properties: { a: {} } };
  const closed = { properties: { a: {} }, additionalProperties: false };
  it.each([
    [
      { type: 'object', properties: {} },
      { type: 'object', properties: {}, additionalProperties: false },
    ],
    [{ anyOf: [open, { type: 'null' }] }, { anyOf: [closed, { type: 'null' }] }],
    [
      { items: { $ref: '#/$defs/o' }, $defs: { o: open } },
      { items: { $ref: '#/$defs/o' }, $defs: { o: closed } },
    ],
  ])('closes objects whose schema names properties and says nothing of others: %j', (schema, expected) => {
    expect(rewritten(schema)).toEqual(expected);
  });

  it.each([
    { type: 'object' },
    { ...open, additionalProperties: true },
    { ...open, additionalProperties: { type: 'null' } },
    { ...open, required: ['b'] },
    { properties: {}, minProperties: 1 },
    { allOf: [open, { properties: { b: {} } }] },
    { oneOf: [{ ...open, required: ['a'] }, { properties: { b: {} } }] },
    { ...open, anyOf: [{ properties: { b: {} } }, { required: ['a'] }] },
    { required: ['a'], $ref: '#/$defs/o', $defs: { o: open } },
  ])('leaves objects open that are meant to be, or that another schema may be about: %j', (schema) => {
    expect(rewritten(schema)).toEqual(schema);
  });

  it('takes uniqueItems: false and boolean subschemas', () => {
    expect(rewritten({ uniqueItems: false, items: false, additionalProperties: true })).toEqual({
      items: false,
      additionalProperties: true,
    });
  });
});

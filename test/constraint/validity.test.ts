// Whether answers that follow a constraint are what it asks for, judged by a JSON Schema validator: answers are drawn evenly from all
// allowed tokens of the echo model's vocabulary of bytes, so every byte that may come does come. `npm run test:constraint` tries a thousand schemas.
import { afterAll, describe, expect, it } from 'vitest';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { Constraints } from '../../server/src/reader/constraint/constraints.js';
import { SUPPORTED_KEYWORDS } from '../../server/src/reader/constraint/json-schema.js';
import { tokenizer } from '../../server/src/reader/constraint/echo-tokenizer.fixture.js';
import { toTokenId } from '../../server/src/reader/ids.js';
import { InputError } from '../../server/src/errors.js';
import { Random } from '../../harness/random.js';
import { isLongForm } from '../../harness/long-form.js';
import { randomAnswer, randomSchema, withDefinitions } from './random.js';

const SCHEMAS = isLongForm('test:constraint') ? 1_000 : 100;
const ANSWERS_EACH = 3;
const constraints = new Constraints(tokenizer, 20_000);
afterAll(() => constraints.close());

// An integer of more than 308 digits is one to the schema and Infinity to JavaScript.
const ajv = new Ajv2020({ strict: false, strictNumbers: false, multipleOfPrecision: 9 });
formats.default(ajv);

const MEANS = {
  endToken: tokenizer.settings.eosIds[0] ?? 0,
  maxTokens: 400,
  pieceBytes: (token: number) => tokenizer.pieceBytes(toTokenId(token)),
};
const answersOf = async (schema: object, random: Random, count: number): Promise<string[]> => {
  const compiled = await constraints.compile({
    kind: 'json_schema',
    field: 'json_schema',
    schema: JSON.stringify(schema),
  });
  return Array.from({ length: count }, () => {
    const constraint = compiled.start();
    const answer = randomAnswer(constraint, random, MEANS);
    constraint.close();
    return answer === null ? [] : [answer.toString('utf8')];
  }).flat();
};
const invalidOf = (schema: object, answers: readonly string[]): string[] => {
  const validate = ajv.compile(schema);
  return answers.filter((answer) => !validate(JSON.parse(answer)));
};

describe('answers that ended by themselves', () => {
  it(`follow ${SCHEMAS} random schemas, as a validator sees it`, async () => {
    const random = new Random(15);
    let answered = 0;
    const wrong: unknown[] = [];
    const refused = new Map<string, number>();
    for (let n = 0; n < SCHEMAS; n += 1) {
      const schema = withDefinitions(randomSchema(random));
      try {
        const answers = await answersOf(schema, random, ANSWERS_EACH);
        answered += answers.length;
        for (const answer of invalidOf(schema, answers)) wrong.push({ schema, answer });
      } catch (error) {
        if (!(error instanceof InputError)) throw new Error(JSON.stringify(schema), { cause: error });
        refused.set(error.message, (refused.get(error.message) ?? 0) + 1);
      }
    }
    expect(wrong).toEqual([]);
    // What llguidance cannot join (two unions over each other) is refused; most must be answered.
    expect([...refused.values()].reduce((sum, count) => sum + count, 0)).toBeLessThan(SCHEMAS / 10);
    expect(answered).toBeGreaterThan(SCHEMAS);
  }, 600_000);

  /** One schema for each keyword, in which it decides. */
  const BY_KEYWORD: Record<string, object> = {
    type: { type: 'boolean' },
    enum: { enum: ['a', 1.5, null, { b: ['日本'] }] },
    const: { const: { k: [1, 'x"y'] } },
    anyOf: { anyOf: [{ type: 'integer' }, { const: 'none' }] },
    oneOf: { oneOf: [{ type: 'integer' }, { type: 'string', maxLength: 3 }] },
    allOf: {
      allOf: [
        { type: 'integer', minimum: 3 },
        { type: 'integer', maximum: 12 },
      ],
    },
    $ref: { $ref: '#/$defs/one', $defs: { one: { enum: [1, 2] } } },
    $defs: { items: { $ref: '#/$defs/one' }, type: 'array', maxItems: 2, $defs: { one: { enum: [1, 2] } } },
    definitions: { $ref: '#/definitions/one', definitions: { one: { type: 'null' } } },
    properties: { type: 'object', properties: { a: { const: 1 } }, additionalProperties: false },
    required: {
      type: 'object',
      properties: { a: {}, b: { enum: [1] } },
      required: ['b'],
      additionalProperties: false,
    },
    additionalProperties: { type: 'object', additionalProperties: { type: 'integer' } },
    minProperties: { type: 'object', minProperties: 1 },
    maxProperties: { type: 'object', maxProperties: 2, additionalProperties: { type: 'null' } },
    items: { type: 'array', items: { type: 'boolean' } },
    prefixItems: { type: 'array', prefixItems: [{ type: 'boolean' }, { type: 'null' }], items: false },
    minItems: { type: 'array', minItems: 3, items: { enum: [1] } },
    maxItems: { type: 'array', maxItems: 2, items: { enum: [1, 2] } },
    uniqueItems: { type: 'array', uniqueItems: false, items: { enum: [1] } },
    minLength: { type: 'string', minLength: 4 },
    maxLength: { type: 'string', maxLength: 3 },
    pattern: { type: 'string', pattern: '^(\\d+|\\S{2}\\s.)$' },
    format: { type: 'string', format: 'date-time' },
    minimum: { type: 'number', minimum: -2.5 },
    maximum: { type: 'number', maximum: 1e6 },
    exclusiveMinimum: { type: 'integer', exclusiveMinimum: 7 },
    exclusiveMaximum: { type: 'number', exclusiveMaximum: 0 },
    multipleOf: { type: 'integer', multipleOf: 7, minimum: -50, maximum: 700 },
  };

  it.each(SUPPORTED_KEYWORDS)(
    'follow a schema in which %s decides',
    async (keyword) => {
      const schema = BY_KEYWORD[keyword];
      if (schema === undefined) throw new Error(`No schema tests ${keyword}.`);
      const answers = await answersOf(schema, new Random(keyword.length), 40);
      expect(answers.length).toBeGreaterThan(0);
      expect(invalidOf(schema, answers)).toEqual([]);
    },
    60_000,
  );

  it.each(['^[^"]{1,3}$', '^[^\\\\a]{2}$', '^[^"\\\\]{1,3}$', '[^\\d\\s"]', '^\\D\\W\\S.$'])(
    'follow the pattern %s with a class that leaves something out',
    async (pattern) => {
      const schema = { type: 'string', pattern };
      const answers = await answersOf(schema, new Random(5), 150);
      expect(answers.length).toBeGreaterThan(0);
      expect(invalidOf(schema, answers)).toEqual([]);
    },
    60_000,
  );

  it.each(['date', 'date-time', 'time', 'uuid', 'ipv4', 'ipv6', 'email', 'hostname'])(
    'follow the format %s',
    async (format) => {
      const schema = { type: 'string', format };
      const answers = await answersOf(schema, new Random(3), 60);
      expect(answers.length).toBeGreaterThan(0);
      expect(invalidOf(schema, answers)).toEqual([]);
    },
    60_000,
  );
});

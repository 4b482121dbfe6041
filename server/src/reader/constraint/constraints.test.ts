import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../errors.js';
import type { CallableFunction, Constraint } from '../../link/requests/messages.js';
import { tokenizer } from './echo-tokenizer.fixture.js';
import { Constraints } from './constraints.js';

const constraints = new Constraints(tokenizer, 20_000);
afterAll(() => constraints.close());

const functionOf = (name: string, schema: object, index = 0): CallableFunction => ({
  name,
  parameters: {
    kind: 'json_schema',
    field: `tools[${index}].function.parameters`,
    schema: JSON.stringify(schema),
  },
});
const callOf = (...functions: readonly CallableFunction[]): Constraint => ({
  kind: 'function_call',
  field: 'tools',
  functions,
});

/** Whether the text is an answer, whole and ended. */
async function takes(constraint: Constraint, text: string): Promise<boolean> {
  const answer = (await constraints.compile(constraint)).start();
  const [end = 0] = tokenizer.settings.eosIds;
  try {
    let isOver = false;
    for (const token of tokenizer.encodePlain(text)) {
      if (isOver || !answer.allows(token)) return false;
      isOver = answer.accept(token);
    }
    return isOver || answer.allows(end);
  } finally {
    answer.close();
  }
}

async function refusalOf(constraint: Constraint): Promise<InputError> {
  const refused = await constraints.compile(constraint).catch((error: unknown) => error);
  if (refused instanceof InputError) return refused;
  throw new TypeError('The constraint was not refused.');
}

describe('the call of a function', () => {
  const shape = { type: 'object', properties: { side: { $ref: '#/$defs/side' } }, required: ['side'] };
  const $defs = { side: { anyOf: [{ type: 'integer' }, { $ref: '#/properties/unit' }] } };
  const call = callOf(
    functionOf('stop', { type: 'object', properties: {}, additionalProperties: false }),
    functionOf('draw', {
      ...shape,
      properties: { ...shape.properties, unit: { enum: ['cm'] } },
      $defs,
    }),
  );

  it.each([
    ['{"name":"stop","arguments":{}}', true],
    ['{"name": "draw", "arguments": {"side": 3}}', true],
    ['{"name":"draw","arguments":{"side":"cm"}}', true],
    ['{"name":"draw","arguments":{"side":"m"}}', false],
    ['{"name":"stop","arguments":{"side":3}}', false],
    ['{"name":"other","arguments":{}}', false],
    ['{"arguments":{},"name":"stop"}', false],
    ['{"name":"stop"}', false],
  ])('may be written %s: %s', async (text, isTaken) => {
    expect(await takes(call, text)).toBe(isTaken);
  });

  it('is refused with the field of the function that cannot be enforced', async () => {
    const functions = [functionOf('a', { type: 'object' }), functionOf('b', { not: {} }, 1)];
    const { message, details } = await refusalOf(callOf(...functions));
    expect(message).toContain('tools[1].function.parameters/not cannot be enforced');
    expect(details).toEqual({ field: 'tools[1].function.parameters' });
  });
});

describe('a refusal', () => {
  it('that is remembered names the field of the request that asks', async () => {
    const schema = JSON.stringify({ type: 'arra' });
    for (const field of ['guided_json', 'text.format.schema']) {
      const { message, details } = await refusalOf({ kind: 'json_schema', field, schema });
      expect(message).toContain(`${field} cannot be enforced: `);
      expect(details).toEqual({ field });
    }
  });
});

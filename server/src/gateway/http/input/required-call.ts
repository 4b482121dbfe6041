// A call of a function that an answer must be, as a constraint: what every API that has such calls makes of its own words.
import { z } from 'zod';
import type { Constraint, JsonSchemaConstraint } from '../../../link/requests/messages.js';
import { functionCallConstraint, jsonSchemaConstraint } from '../connection/constraint.js';
import { invalidField, parseFields } from './fields.js';
import { SCHEMA } from './schema-field.js';

/** OpenAI's limit. */
export const MAX_TOOLS = 128;

export interface RequiredCall {
  readonly constraint: Constraint;
  /** The only function that can be called; then the text of the answer is its arguments. Null where the text names the function. */
  readonly name: string | null;
}

interface CallableFunction {
  readonly name: string;
  readonly constraint: JsonSchemaConstraint;
}

/**
 * A call of one of the functions.
 * @throws InputError where there is none
 */
export function requiredCall(callable: readonly CallableFunction[]): RequiredCall {
  const [only] = callable;
  if (only === undefined)
    throw invalidField('tools', [], 'a list with the function that tool_choice wants called');
  return callable.length === 1
    ? { constraint: only.constraint, name: only.name }
    : { constraint: functionCallConstraint(callable.map(toCallable), 'tools'), name: null };
}

const toCallable = ({ name, constraint }: CallableFunction) => ({ name, parameters: constraint });

/** Of the arguments of a function. */
export const argumentsSchema = z.looseObject({ type: z.literal('object', '"object"').optional() }, SCHEMA);

/** Arguments are an object; those of a function without parameters an empty one. */
export const argumentsOf = (parameters: unknown, field: string): JsonSchemaConstraint =>
  parameters === null || parameters === undefined
    ? jsonSchemaConstraint({ type: 'object', properties: {}, additionalProperties: false }, field)
    : jsonSchemaConstraint({ type: 'object', ...parseFields(argumentsSchema, parameters, field) }, field);

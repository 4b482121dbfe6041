// Constraints as the APIs of this server take them, to the one that a request carries to its reader. Here meets a bound what would
// cost the gateway something: the size of a schema and how deeply its JSON is nested. Whether it can be enforced, only a reader knows.
import { InputError } from '../../../errors.js';
import type { CallableFunction, Constraint, JsonSchemaConstraint } from '../../../link/requests/messages.js';
import { isNestedDeeper } from './nesting.js';

/** As JSON; large schemas of programs have some ten thousand characters. */
const MAX_SCHEMA_CHARACTERS = 262_144;
/** Of JSON: a subschema stands two to three levels below the one around it. */
const MAX_JSON_DEPTH = 100;
export const MAX_CHOICES = 1_000;
const MAX_CHOICE_CHARACTERS = 1_024;

/**
 * @param field of the request, for refusals
 * @throws InputError request.wrong_shape, request.constraint_too_large
 */
export function jsonSchemaConstraint(schema: unknown, field: string): JsonSchemaConstraint {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema))
    throw wrongShape(field, 'must be a JSON Schema as an object, such as {"type": "object"}.');
  if (isNestedDeeper(schema, MAX_JSON_DEPTH)) throw tooLarge(field, 'levels of JSON', MAX_JSON_DEPTH);
  const text = JSON.stringify(schema);
  if (text.length > MAX_SCHEMA_CHARACTERS) throw tooLarge(field, 'characters', MAX_SCHEMA_CHARACTERS);
  return { kind: 'json_schema', field, schema: text };
}

/** Any object: OpenAI's `json_object`. */
export const jsonObjectConstraint = (field: string): JsonSchemaConstraint => ({
  kind: 'json_schema',
  field,
  schema: '{"type":"object"}',
});

/** The pattern's own bounds are for the reader. */
export const regexConstraint = (pattern: string, field: string): Constraint => ({
  kind: 'regex',
  field,
  pattern,
});

/** @throws InputError request.wrong_shape, request.constraint_too_large */
export function choicesConstraint(choices: readonly string[], field: string): Constraint {
  if (choices.length === 0) throw wrongShape(field, 'is empty; at least one choice is needed.');
  if (choices.length > MAX_CHOICES) throw tooLarge(field, 'choices', MAX_CHOICES);
  if (choices.some((choice) => choice.length > MAX_CHOICE_CHARACTERS))
    throw tooLarge(field, 'characters in one choice', MAX_CHOICE_CHARACTERS);
  return { kind: 'choices', field, choices };
}

/**
 * A call of one of the functions, which the text names.
 * @throws InputError request.constraint_too_large
 */
export function functionCallConstraint(functions: readonly CallableFunction[], field: string): Constraint {
  const characters = functions.reduce((sum, { parameters }) => sum + parameters.schema.length, 0);
  if (characters > MAX_SCHEMA_CHARACTERS)
    throw tooLarge(field, 'characters of schemas', MAX_SCHEMA_CHARACTERS);
  return { kind: 'function_call', field, functions };
}

const wrongShape = (field: string, what: string): InputError =>
  new InputError('request.wrong_shape', `${field} ${what}`, { details: { field } });
const tooLarge = (field: string, what: string, allowed: number): InputError =>
  new InputError('request.constraint_too_large', `${field} has more than ${allowed} ${what}.`, {
    details: { field },
  });

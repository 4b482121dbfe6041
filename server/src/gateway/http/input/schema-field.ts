// A field that holds a JSON Schema.
import type { JsonSchemaConstraint } from '../../../link/requests/messages.js';
import { jsonSchemaConstraint } from '../connection/constraint.js';
import { invalidField, isList } from './fields.js';

export const SCHEMA = 'a JSON Schema as an object, such as {"type": "object"}';

/** @throws InputError request.field_invalid, request.constraint_too_large */
export function parseSchema(schema: unknown, field: string): JsonSchemaConstraint {
  if (typeof schema !== 'object' || schema === null || isList(schema))
    throw invalidField(field, schema, SCHEMA);
  return jsonSchemaConstraint(schema, field);
}

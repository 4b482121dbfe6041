// The field `format`, which binds an answer to JSON or to a schema.
import { z } from 'zod';
import type { Constraint } from '../../../../link/requests/messages.js';
import { jsonObjectConstraint } from '../../connection/constraint.js';
import { invalidField } from '../../input/fields.js';
import { parseSchema } from '../../input/schema-field.js';

const FIELD = 'format';

/** The field as the description of the API tells it. */
export const describedAnswerFormat = z
  .union([z.enum(['json', '']), z.looseObject({}).describe('A JSON Schema.')])
  .nullish();

/**
 * Null where any text will do.
 * @throws InputError
 */
export function parseAnswerFormat(format: unknown): Constraint | null {
  if (format === undefined || format === null || format === '') return null;
  if (format === 'json') return jsonObjectConstraint(FIELD);
  if (typeof format === 'string') throw invalidField(FIELD, format, '"json", or a JSON Schema as an object');
  return parseSchema(format, FIELD);
}

// What the text of an answer must be: `response_format` of chat completions and completions, `text.format` of responses, and the
// words that Hugging Face's clients and servers have for the same.
import { z } from 'zod';
import type { Constraint } from '../../../../link/requests/messages.js';
import { jsonObjectConstraint, regexConstraint } from '../../connection/constraint.js';
import {
  anything,
  flag,
  identifier,
  invalidField,
  parseFields,
  requiredText,
  text,
} from '../../input/fields.js';
import { parseSchema } from '../../input/schema-field.js';

const typed = z.object({ type: requiredText() }, 'an object with a type');
const inJsonSchema = z.object({ json_schema: anything() });
/** A schema is enforced whether it is called strict or not. */
const namedSchema = z.object(
  { name: identifier(), description: text(), strict: flag(), schema: anything() },
  'an object with name and schema',
);
/** `value` is Hugging Face's word, `schema` that of llama.cpp. */
const objectSchema = z.object({ value: anything(), schema: anything() });
const inValue = z.object({ value: requiredText() });

const SCHEMA_OBJECT = z.looseObject({}).describe('A JSON Schema.');
const describedSchema = namedSchema.extend({ schema: SCHEMA_OBJECT });
const describedObject = objectSchema.extend({
  value: SCHEMA_OBJECT.nullish(),
  schema: SCHEMA_OBJECT.nullish(),
});
const plainText = z.object({ type: z.literal('text') });

/** `response_format` as the description of the API tells it. */
export const describedResponseFormat = z
  .union([
    plainText,
    z.object({ type: z.literal('json_schema'), json_schema: describedSchema }),
    describedObject.extend({ type: z.enum(['json_object', 'json']) }),
    inValue.extend({ type: z.literal('regex') }),
  ])
  .nullish();

/** `text.format` as the description of the API tells it. */
export const describedTextFormat = z
  .union([
    plainText,
    describedSchema.extend({ type: z.literal('json_schema') }),
    z.object({ type: z.literal('json_object') }),
  ])
  .nullish();

/**
 * Null where any text will do.
 * @throws InputError
 */
export function parseResponseFormat(format: unknown): Constraint | null {
  if (format === null || format === undefined) return null;
  const field = 'response_format';
  const { type } = parseFields(typed, format, field);
  switch (type) {
    case 'text':
      return null;
    case 'json_schema':
      return schemaConstraint(parseFields(inJsonSchema, format, field).json_schema, `${field}.json_schema`);
    case 'json_object':
    case 'json':
      return objectConstraint(format, field);
    case 'regex':
      return regexConstraint(parseFields(inValue, format, field).value, `${field}.value`);
    default:
      throw invalidField(`${field}.type`, type, 'text, json_schema or json_object');
  }
}

/**
 * Null where any text will do.
 * @throws InputError
 */
export function parseTextFormat(format: unknown): Constraint | null {
  if (format === null || format === undefined) return null;
  const field = 'text.format';
  const { type } = parseFields(typed, format, field);
  switch (type) {
    case 'text':
      return null;
    case 'json_schema':
      return schemaConstraint(format, field);
    case 'json_object':
      return jsonObjectConstraint(field);
    default:
      throw invalidField(`${field}.type`, type, 'text, json_schema or json_object');
  }
}

/** What a response repeats of a format that was parsed before. */
export function repeatedFormat(format: unknown): object {
  if (format === null || format === undefined) return { type: 'text' };
  const { type } = parseFields(typed, format);
  return type === 'json_schema' ? { type, ...parseFields(namedSchema, format) } : { type };
}

function schemaConstraint(named: unknown, field: string): Constraint {
  const { schema } = parseFields(namedSchema, named, field);
  return parseSchema(schema, `${field}.schema`);
}

function objectConstraint(format: unknown, field: string): Constraint {
  const { value, schema } = parseFields(objectSchema, format, field);
  if (value !== undefined && value !== null) return parseSchema(value, `${field}.value`);
  if (schema !== undefined && schema !== null) return parseSchema(schema, `${field}.schema`);
  return jsonObjectConstraint(field);
}

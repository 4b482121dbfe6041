// vLLM's fields for answers of a form: guided_json, guided_regex and guided_choice. A request has one of them at most.
import type { Constraint } from '../../../../link/requests/messages.js';
import { z } from 'zod';
import { choicesConstraint, MAX_CHOICES, regexConstraint } from '../../connection/constraint.js';
import { anything, invalidField, parseList, text, unsupportedField } from '../../input/fields.js';
import { parseSchema } from '../../input/schema-field.js';

export const guidedFields = { guided_json: anything(), guided_regex: text(), guided_choice: anything() };

/** The fields as the description of the API tells them. */
export const describedGuidedFields = {
  guided_json: z
    .union([z.looseObject({}), z.string()])
    .nullish()
    .describe("vLLM's: the answer is valid JSON of this JSON Schema, an object or its text."),
  guided_regex: guidedFields.guided_regex.describe("vLLM's: the answer matches this regular expression."),
  guided_choice: z
    .array(z.string())
    .min(1)
    .max(MAX_CHOICES)
    .nullish()
    .describe("vLLM's: the answer is one of these."),
};

interface GuidedFields {
  readonly guided_json?: unknown;
  readonly guided_regex?: string | null | undefined;
  readonly guided_choice?: unknown;
}

/**
 * Null where none is set.
 * @throws InputError
 */
export function parseGuidedFields({
  guided_json: json,
  guided_regex: regex,
  guided_choice: choice,
}: GuidedFields): Constraint | null {
  const [asked = null, other] = [
    ...(json == null ? [] : [parseSchema(parsedSchema(json), 'guided_json')]),
    ...(regex == null ? [] : [regexConstraint(regex, 'guided_regex')]),
    ...(choice == null ? [] : [choicesConstraint(parseChoices(choice), 'guided_choice')]),
  ];
  if (asked !== null && other !== undefined) throw boundAlready(other.field, asked.field);
  return asked;
}

export const boundAlready = (field: string, other: string) =>
  unsupportedField(field, `${other} binds the answer already. Send one of them.`);

/** As vLLM takes it: a schema, or its text. */
function parsedSchema(json: unknown): unknown {
  if (typeof json !== 'string') return json;
  try {
    return JSON.parse(json);
  } catch {
    throw invalidField('guided_json', json, 'a JSON Schema as an object, or the JSON of one');
  }
}

function parseChoices(choices: unknown): readonly string[] {
  return parseList(choices, MAX_CHOICES, 'guided_choice', 'strings').map((choice, index) => {
    if (typeof choice === 'string') return choice;
    throw invalidField(`guided_choice[${index}]`, choice, 'a string');
  });
}

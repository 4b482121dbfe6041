// The form that a request binds its answers to, in the words of the cluster's server. What it has no words for is refused here.
import { InputError } from '../../errors.js';
import type { CallableFunction, Constraint, JsonSchemaConstraint } from '../../link/requests/messages.js';
import type { ApiDialect } from '../../model/api-dialect.js';
import { DIALECTS, type ConstraintForms, type Endpoint } from './dialects.js';

type Fields = Readonly<Record<string, unknown>>;

/** @throws InputError request.not_supported */
export function constraintFields(constraint: Constraint, dialect: ApiDialect, endpoint: Endpoint): Fields {
  const forms = DIALECTS[dialect].constraints[endpoint];
  switch (constraint.kind) {
    case 'json_schema':
      return schemaFields(JSON.parse(constraint.schema), forms) ?? refuse(constraint, dialect, endpoint);
    case 'regex':
      return regexFields(constraint.pattern, forms) ?? refuse(constraint, dialect, endpoint);
    case 'choices':
      return choiceFields(constraint.choices, forms) ?? refuse(constraint, dialect, endpoint);
    case 'function_call': {
      const { functions } = constraint;
      if (functions.length > 1 && !forms.takesRootAlternatives) refuse(constraint, dialect, endpoint);
      return schemaFields(callSchema(functions), forms) ?? refuse(constraint, dialect, endpoint);
    }
  }
}

function refuse({ kind, field }: Constraint, dialect: ApiDialect, endpoint: Endpoint): never {
  const what = {
    json_schema: 'a JSON Schema',
    regex: 'a pattern',
    choices: 'choices',
    function_call: 'calls of functions',
  };
  throw new InputError(
    'request.not_supported',
    `${field}: the cluster behind this reader (${dialect}, ${endpoint === 'chat' ? '/chat/completions' : '/completions'}) cannot bind an answer to ${what[kind]}. docs/api-readers.md has what each server can.`,
    { details: { field } },
  );
}

function schemaFields(schema: unknown, { jsonSchema }: ConstraintForms): Fields | undefined {
  switch (jsonSchema) {
    case 'response_format':
      return {
        response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } },
      };
    case 'tgi_json':
      return { response_format: { type: 'json', value: schema } };
    case 'json_schema':
      return { json_schema: JSON.stringify(schema) };
    default:
      return undefined;
  }
}

function regexFields(pattern: string, { regex }: ConstraintForms): Fields | undefined {
  switch (regex) {
    case 'structured_outputs':
      // vLLM from 0.11; older ones know the second name only, and each ignores the other's.
      return { structured_outputs: { regex: pattern }, guided_regex: pattern };
    case 'tgi_regex':
      return { response_format: { type: 'regex', value: pattern } };
    case 'regex':
    case 'guided_regex':
      return { [regex]: pattern };
    default:
      return undefined;
  }
}

function choiceFields(choices: readonly string[], forms: ConstraintForms): Fields | undefined {
  switch (forms.choices) {
    case 'structured_outputs':
      return { structured_outputs: { choice: choices }, guided_choice: choices };
    case 'guided_choice':
      return { guided_choice: choices };
    case 'as_regex':
      return regexFields(`(${choices.map(escaped).join('|')})`, forms);
    default:
      return undefined;
  }
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/gu, String.raw`\$&`);

function callSchema(functions: readonly CallableFunction[]): unknown {
  const [only, ...others] = functions;
  if (only !== undefined && others.length === 0) return oneCall(only, '#');
  return { anyOf: functions.map((one, index) => oneCall(one, `#/anyOf/${index}`)) };
}

const oneCall = ({ name, parameters }: CallableFunction, place: string): unknown => ({
  type: 'object',
  properties: { name: { const: name }, arguments: argumentsSchema(parameters, place) },
  required: ['name', 'arguments'],
  additionalProperties: false,
});

/** References of a schema begin at its root, which lies deeper now. */
function argumentsSchema({ schema }: JsonSchemaConstraint, place: string): unknown {
  const root = `${place}/properties/arguments`;
  const parsed: unknown = JSON.parse(schema, (key, value: unknown) =>
    key === '$ref' && typeof value === 'string' && value.startsWith('#') ? root + value.slice(1) : value,
  );
  return parsed;
}

// JSON Schema as clients write it to JSON Schema as llguidance enforces it: every keyword is known, everything countable meets a
// bound, patterns mean what JSON Schema says (pattern.ts). What cannot be enforced is refused by name, because an answer that only
// looks constrained is worse than none.
import { MAX_REPETITIONS, translatePattern } from './pattern.js';
import { shown, tooLarge, unsupported } from './refusal.js';

const DATE =
  '\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))';
const TIME = '([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,6})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)';

/** Each level is a level of recursion in the compiler; schemas of programs have five to ten. */
export const MAX_SCHEMA_DEPTH = 32;
/** Subschemas, and values of enum; schemas of programs have tens, large ones a few thousand. */
export const MAX_SCHEMA_NODES = 10_000;
/** Of arrays and objects: each element is a copy of its grammar. */
export const MAX_SCHEMA_ITEMS = 1_000;
/**
 * Formats that llguidance knows, with a pattern where what it gives is more than validators take: seconds of 60 at any time of the
 * day, and mail addresses in all the shapes that RFC 5322 has. February has 28 days here.
 */
const FORMAT_PATTERNS = {
  date: null,
  'date-time': `^${DATE}T${TIME}$`,
  time: `^${TIME}$`,
  uuid: null,
  ipv4: null,
  ipv6: null,
  email:
    '^[a-zA-Z0-9_+-]{1,32}(\\.[a-zA-Z0-9_+-]{1,32}){0,3}@([a-zA-Z0-9]([a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?\\.){1,3}[a-zA-Z]{2,12}$',
  hostname: null,
} as const;
type Format = keyof typeof FORMAT_PATTERNS;
export const FORMATS: readonly string[] = Object.keys(FORMAT_PATTERNS);
const isFormat = (value: unknown): value is Format =>
  typeof value === 'string' && Object.hasOwn(FORMAT_PATTERNS, value);

/** JSON as short as a model is used to: a blank behind commas and colons at most. Without it, models drift into endless blanks. */
const WHITESPACE = { whitespace_flexible: false, item_separator: ', ?', key_separator: ': ?' };

type Rewrite = (walk: Walk, value: unknown, path: string, depth: number) => unknown;

const kept: Rewrite = (_walk, value) => value;
const oneSchema: Rewrite = (walk, value, path, depth) => walk.schema(value, path, depth);
const schemaList: Rewrite = (walk, value, path, depth) => {
  if (!Array.isArray(value)) throw unsupported(path, 'is not a list');
  return value.map((one: unknown, index) => walk.schema(one, `${path}/${index}`, depth));
};
const schemaMap: Rewrite = (walk, value, path, depth) => {
  if (!isObject(value)) throw unsupported(path, 'is not an object');
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, walk.schema(one, `${path}/${key}`, depth)]),
  );
};
const countTo =
  (most: number): Rewrite =>
  (_walk, value, path) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
      throw unsupported(path, 'is not a whole number from 0');
    if (value > most) throw tooLarge(path, `is ${value}`, most);
    return value;
  };
const bound: Rewrite = (_walk, value, path) => {
  if (typeof value !== 'number') throw unsupported(path, 'is not a number');
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw tooLarge(path, `is ${value}`, Number.MAX_SAFE_INTEGER);
  return value;
};
const values: Rewrite = (walk, value, path) => {
  walk.count(Array.isArray(value) ? value.length : 1, path);
  return value;
};
const pattern: Rewrite = (_walk, value, path) => {
  if (typeof value !== 'string') throw unsupported(path, 'is not a string');
  return translatePattern(value, 'json_schema', path);
};
const format: Rewrite = (_walk, value, path) => {
  if (isFormat(value)) return value;
  throw unsupported(path, `is ${shown(value)}; allowed are ${FORMATS.join(', ')}`);
};
const reference: Rewrite = (walk, value, path) => {
  if (typeof value === 'string' && value.startsWith('#')) return `#${walk.root}${value.slice(1)}`;
  throw unsupported(
    path,
    `is ${shown(value)}; only places of the same schema (#/$defs/…) can be referred to`,
  );
};
/** Keys of additional properties may come twice, and then a reader of the answer counts fewer of them. */
const atMostOne: Rewrite = (_walk, value, path) => {
  if (value === 0 || value === 1) return value;
  throw unsupported(path, `is ${shown(value)}; allowed are 0 and 1`);
};
const mustBeFalse: Rewrite = (_walk, value, path) => {
  if (value === false) return undefined;
  throw unsupported(path, 'cannot be enforced');
};

/** What is enforced. */
const KEYWORDS: Readonly<Record<string, Rewrite>> = {
  type: kept,
  enum: values,
  const: values,
  anyOf: schemaList,
  oneOf: schemaList,
  allOf: schemaList,
  $ref: reference,
  $defs: schemaMap,
  definitions: schemaMap,
  properties: schemaMap,
  required: kept,
  additionalProperties: oneSchema,
  minProperties: atMostOne,
  maxProperties: countTo(MAX_SCHEMA_ITEMS),
  items: oneSchema,
  prefixItems: schemaList,
  minItems: countTo(MAX_SCHEMA_ITEMS),
  maxItems: countTo(MAX_SCHEMA_ITEMS),
  uniqueItems: mustBeFalse,
  minLength: countTo(MAX_REPETITIONS),
  maxLength: countTo(MAX_REPETITIONS),
  pattern,
  format,
  minimum: bound,
  maximum: bound,
  exclusiveMinimum: bound,
  exclusiveMaximum: bound,
  multipleOf: bound,
};
/** What says nothing of values. `discriminator` is what pydantic adds to unions; `nullable` is not here, because it changes them. */
const ANNOTATIONS = new Set([
  '$schema',
  '$comment',
  'title',
  'description',
  'default',
  'examples',
  'example',
  'deprecated',
  'readOnly',
  'writeOnly',
  'discriminator',
]);

export const SUPPORTED_KEYWORDS: readonly string[] = Object.keys(KEYWORDS);

/**
 * The schema for llguidance, as JSON.
 * @param field that it stands in, for refusals
 * @throws InputError request.constraint_unsupported, request.constraint_too_large
 */
export function rewriteSchema(schema: unknown, field: string): string {
  const walk = new Walk();
  const rewritten = walk.schema(schema, field, 0);
  walk.closeObjects();
  return JSON.stringify(isObject(rewritten) ? { 'x-guidance': WHITESPACE, ...rewritten } : rewritten);
}

/** A function, and the schema of its arguments with the field that it stands in. */
export interface DescribedFunction {
  readonly name: string;
  readonly parameters: unknown;
  readonly field: string;
}

/**
 * The schema of a call of one of the functions, `{"name": …, "arguments": …}`, for llguidance, as JSON.
 * @throws InputError request.constraint_unsupported, request.constraint_too_large
 */
export function rewriteFunctionCall(functions: readonly DescribedFunction[]): string {
  const walk = new Walk();
  const anyOf = functions.map(({ name, parameters, field }, index) => {
    walk.root = `/anyOf/${index}/properties/arguments`;
    return {
      type: 'object',
      properties: { name: { const: name }, arguments: walk.schema(parameters, field, 0) },
      required: ['name', 'arguments'],
      additionalProperties: false,
    };
  });
  walk.closeObjects();
  return JSON.stringify({ 'x-guidance': WHITESPACE, anyOf });
}

class Walk {
  /** JSON Pointer to where the schema stands in what is made of it; references within it are told from there. */
  root = '';
  #nodes = 0;
  readonly #openObjects: Record<string, unknown>[] = [];
  #joinsSchemas = false;

  schema(schema: unknown, path: string, depth: number): unknown {
    this.count(1, path);
    if (depth > MAX_SCHEMA_DEPTH) throw tooLarge(path, `is nested ${depth} deep`, MAX_SCHEMA_DEPTH);
    if (typeof schema === 'boolean' && depth > 0) return schema;
    if (!isObject(schema)) throw unsupported(path, 'is no schema; it must be an object');
    const rewritten: Record<string, unknown> = {};
    for (const [keyword, value] of Object.entries(schema)) {
      if (ANNOTATIONS.has(keyword) || (keyword.startsWith('x-') && keyword !== 'x-guidance')) continue;
      const rewrite = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
      if (rewrite === undefined) throw unsupported(`${path}/${keyword}`, 'cannot be enforced');
      const result = rewrite(this, value, `${path}/${keyword}`, depth + 1);
      if (result !== undefined) rewritten[keyword] = result;
    }
    this.#noteOpen(rewritten);
    return withFormatPattern(rewritten, path);
  }

  /**
   * Lets objects whose schema names properties, and says nothing of others, have no others: models that are not sure what comes next
   * write such keys without end. Not where another schema may be about the same object, which the keys could be for.
   */
  closeObjects(): void {
    if (!this.#joinsSchemas) for (const schema of this.#openObjects) schema['additionalProperties'] = false;
  }

  #noteOpen(schema: Record<string, unknown>): void {
    const { properties, required = [], minProperties = 0 } = schema;
    const isOfObjects = isObject(properties) || 'required' in schema;
    if ('allOf' in schema || 'oneOf' in schema) this.#joinsSchemas = true;
    if (('anyOf' in schema || '$ref' in schema) && isOfObjects) this.#joinsSchemas = true;
    if (!isObject(properties) || 'additionalProperties' in schema) return;
    const areNamed =
      Array.isArray(required) && required.every((name) => Object.hasOwn(properties, String(name)));
    const areEnough = minProperties === 0 || Object.keys(properties).length > 0;
    if (areNamed && areEnough) this.#openObjects.push(schema);
  }

  count(nodes: number, path: string): void {
    this.#nodes += nodes;
    if (this.#nodes > MAX_SCHEMA_NODES)
      throw tooLarge(path, `is number ${this.#nodes} of subschemas and values`, MAX_SCHEMA_NODES);
  }
}

function withFormatPattern(schema: Readonly<Record<string, unknown>>, path: string): unknown {
  const { format: name, ...rest } = schema;
  const own = isFormat(name) ? FORMAT_PATTERNS[name] : null;
  if (own === null) return schema;
  if ('pattern' in rest) throw unsupported(`${path}/format`, 'cannot be enforced beside pattern');
  return { ...rest, pattern: translatePattern(own, 'json_schema', `${path}/format`) };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

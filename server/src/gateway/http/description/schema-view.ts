// A JSON Schema as a list of its fields, for people: what has a name of its own is shown folded where it is used.
import { element, inlineText, type Html, type HtmlPart } from './html.js';
import type { JsonSchema } from './openapi.js';

type Components = Readonly<Record<string, JsonSchema>>;

/** Schemas hold others, and nothing keeps one from holding itself. */
const MAX_DEPTH = 6;

export function schemaView(schema: JsonSchema, components: Components, depth = 0): HtmlPart {
  const resolved = resolve(schema, components);
  if (depth === MAX_DEPTH) return [];
  const deeper = (inner: JsonSchema): HtmlPart => schemaView(inner, components, depth + 1);
  const fields = schemasByName(resolved['properties']);
  if (fields.length > 0) {
    const required = new Set(asList(resolved['required']));
    return fieldTable(fields, required, components, deeper);
  }
  const inner = [
    ...schemasOf(resolved['anyOf']),
    ...schemasOf([resolved['items'], resolved['contentSchema']]),
  ];
  return inner.map(deeper);
}

function fieldTable(
  fields: readonly (readonly [string, JsonSchema])[],
  required: ReadonlySet<unknown>,
  components: Components,
  deeper: (inner: JsonSchema) => HtmlPart,
): Html {
  const rows = fields.map(([name, field]) => {
    const details = hasFields(field, components)
      ? element('details', {}, element('summary', { class: 'weak' }, 'Its fields'), deeper(field))
      : [];
    return element(
      'tr',
      {},
      element('th', {}, element('code', {}, name), required.has(name) ? ' (required)' : ''),
      element(
        'td',
        {},
        element('span', { class: 'weak' }, typeText(field, components)),
        field.description === undefined ? [] : [' ', inlineText(field.description)],
        details,
      ),
    );
  });
  return element('table', {}, rows);
}

function resolve(schema: JsonSchema, components: Components): JsonSchema {
  const { $ref, ...beside } = schema;
  if ($ref === undefined) return schema;
  return { ...components[$ref.split('/').at(-1) ?? ''], ...beside };
}

function hasFields(schema: JsonSchema, components: Components): boolean {
  const { properties, anyOf, items, additionalProperties } = resolve(schema, components);
  if (schemasByName(properties).length > 0) return true;
  return schemasOf([...asList(anyOf), items, additionalProperties]).some((inner) =>
    hasFields(inner, components),
  );
}

/** "integer or null, from 0 to 1024, 0 by default". */
function typeText(schema: JsonSchema, components: Components): string {
  const resolved = resolve(schema, components);
  const kinds = [...new Set(kindsOf(resolved, components))].join(' or ');
  const bounded = schemasOf(resolved['anyOf']).find((inner) => rangeText(inner) !== '') ?? resolved;
  const byDefault = resolved['default'] == null ? '' : `, ${JSON.stringify(resolved['default'])} by default`;
  return `${kinds === '' ? 'anything' : kinds}${rangeText(bounded)}${byDefault}.`;
}

function kindsOf(schema: JsonSchema, components: Components): readonly string[] {
  const { anyOf, enum: values, const: value, type, items } = resolve(schema, components);
  if (value !== undefined) return [JSON.stringify(value)];
  if (Array.isArray(values)) return values.map((one) => JSON.stringify(one));
  if (anyOf !== undefined) return schemasOf(anyOf).flatMap((inner) => kindsOf(inner, components));
  return asList(Array.isArray(type) ? type : [type]).flatMap((kind) => {
    if (typeof kind !== 'string') return [];
    const [inner] = schemasOf([items]);
    return kind === 'array' && inner !== undefined
      ? [`list of ${[...new Set(kindsOf(inner, components))].join(' or ')}`]
      : [kind];
  });
}

function rangeText({ minimum, maximum, exclusiveMinimum }: JsonSchema): string {
  if (typeof exclusiveMinimum === 'number') return `, above ${exclusiveMinimum}, up to ${String(maximum)}`;
  if (typeof minimum === 'number' && typeof maximum === 'number') return `, from ${minimum} to ${maximum}`;
  return typeof minimum === 'number' ? `, from ${minimum}` : '';
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const schemasOf = (value: unknown): readonly JsonSchema[] => asList(value).filter(isSchema);

const schemasByName = (value: unknown): readonly (readonly [string, JsonSchema])[] =>
  isSchema(value)
    ? Object.entries(value).flatMap(([name, one]) => (isSchema(one) ? [[name, one] as const] : []))
    : [];

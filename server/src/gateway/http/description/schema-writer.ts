// Schemas of zod as JSON Schema for a document: those with an `id` once, as components, and references to them where they are used.
import { z } from 'zod';
import { Defect } from '../../../errors.js';
import type { JsonSchema } from './openapi.js';

const COMPONENTS = '#/components/schemas/';
/** How zod refers to schemas with an id. */
const DEFINITIONS = '#/$defs/';

export class SchemaWriter {
  readonly #components = new Map<string, JsonSchema>();
  /** Most schemas are used by several routes. */
  readonly #written = new Map<z.ZodType, JsonSchema>();

  /** Of all schemas that were written so far, by name. */
  get components(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#components].toSorted(([one], [other]) => (one < other ? -1 : 1)));
  }

  write(schema: z.ZodType): JsonSchema {
    const known = this.#written.get(schema);
    if (known !== undefined) return known;
    const written = this.#convert(schema);
    this.#written.set(schema, written);
    return written;
  }

  #convert(schema: z.ZodType): JsonSchema {
    // As a member, since the outermost schema would stand there in full and not as a reference.
    const { properties, $defs = {} } = z.toJSONSchema(z.object({ written: schema }), {
      io: 'input',
      override: ({ jsonSchema }) => leaveOutSafeIntegers(jsonSchema),
    });
    for (const [name, definition] of Object.entries($defs))
      this.#components.set(name, asSchema(withComponents(definition)));
    return asSchema(withComponents(properties?.['written']));
  }
}

/** That a whole number is one that JavaScript can tell apart from the next goes without saying. */
function leaveOutSafeIntegers(json: { minimum?: number; maximum?: number }): void {
  if (json.minimum === Number.MIN_SAFE_INTEGER) delete json.minimum;
  if (json.maximum === Number.MAX_SAFE_INTEGER) delete json.maximum;
}

/** The same with references into the document. */
function withComponents(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(withComponents);
  if (typeof json !== 'object' || json === null) return json;
  return Object.fromEntries(
    Object.entries(json).map(([keyword, value]: [string, unknown]) => [
      keyword,
      keyword === '$ref' && typeof value === 'string'
        ? value.replace(DEFINITIONS, COMPONENTS)
        : withComponents(value),
    ]),
  );
}

function asSchema(json: unknown): JsonSchema {
  if (typeof json === 'object' && json !== null) return { ...json };
  throw new Defect(`A schema was written as ${String(json)}, and not as an object.`);
}

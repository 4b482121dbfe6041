// Random values of a JSON Schema, as far as the descriptions of the API use its keywords, and the same values damaged.
import type { JsonSchema } from 'takeoff-server/gateway/http/description/openapi.js';
import type { Random } from '../../harness/random.js';

type Components = Readonly<Record<string, JsonSchema>>;

/** What programs stumble over. */
const TEXTS = [
  '',
  ' ',
  'Is there a square?',
  'a\r\nb\n',
  'é\u0301 日本語',
  '🦙👩‍🚀',
  '\u0000',
  '\ud800',
  '\ufeffx',
  '\u202etxet',
  '</s><s>[INST]',
  '<image>',
  '<image:https://images.example/a.png>',
  '<image:x',
  '../../etc/passwd',
  '__proto__',
  'primary',
  'x'.repeat(3_000),
] as const;
const NAMES = ['text', 'a', '', '__proto__', 'constructor', 'größe', '0', '\ud800', '$ref'] as const;
const NUMBERS = [0, -0, 1, -1, 0.5, 1e-320, 1e308, -1e308, 2 ** 31, 2 ** 53, -(2 ** 53), 1e21] as const;
/** Texts of the patterns that descriptions have. */
const BY_PATTERN: Readonly<Record<string, string>> = {
  '^[a-zA-Z0-9_-]{1,64}$': 'a_name-1',
  '^\\d{1,9}$': '17',
};
/** One pixel. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
/** Deeper values have no optional parts, so that they end. */
const MAX_DEPTH = 5;

export class RandomValues {
  readonly #random: Random;
  readonly #components: Components;

  constructor(random: Random, components: Components) {
    this.#random = random;
    this.#components = components;
  }

  /** Any JSON at all. */
  anything(depth = 0): unknown {
    const { below, pick } = this.#bound();
    const leaves = [null, true, false, pick(TEXTS), pick(NUMBERS)];
    if (depth > 2 || below(2) === 0) return pick(leaves);
    const parts = Array.from({ length: below(4) }, () => this.anything(depth + 1));
    return below(2) === 0 ? parts : Object.fromEntries(parts.map((part) => [pick(NAMES), part]));
  }

  /** A value that the schema allows. */
  valid(schema: JsonSchema, depth = 0): unknown {
    const { pick } = this.#bound();
    const { $ref, const: exactly, enum: values, anyOf, type } = schema;
    if ($ref !== undefined) return this.valid(this.#components[$ref.split('/').at(-1)!]!, depth);
    if (exactly !== undefined) return exactly;
    if (Array.isArray(values)) return pick(values as unknown[]);
    if (Array.isArray(anyOf)) return this.valid(pick(anyOf as JsonSchema[]), depth);
    switch (Array.isArray(type) ? pick(type as unknown[]) : type) {
      case 'null':
        return null;
      case 'boolean':
        return pick([true, false]);
      case 'string':
        return this.#text(schema);
      case 'integer':
      case 'number':
        return this.#number(schema, type === 'integer' || (Array.isArray(type) && type.includes('integer')));
      case 'array':
        return this.#list(schema, depth);
      case 'object':
        return this.#object(schema, depth);
      default:
        return this.anything(depth);
    }
  }

  /** The value with one part of it replaced, left out or added. Whether a schema allows that is for others to say. */
  damaged(value: unknown): unknown {
    const { below, pick } = this.#bound();
    if (Array.isArray(value) && value.length > 0 && below(4) > 0) {
      const at = below(value.length);
      return (value as unknown[]).map((part, index) => (index === at ? this.damaged(part) : part));
    }
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && below(6) > 0) {
      const entries = Object.entries(value);
      const at = below(entries.length + 1);
      if (at === entries.length) return Object.fromEntries([...entries, [pick(NAMES), this.anything()]]);
      if (below(4) === 0) return Object.fromEntries(entries.filter((_, index) => index !== at));
      return Object.fromEntries(
        entries.map(([name, part], index) => [name, index === at ? this.damaged(part) : part]),
      );
    }
    if (typeof value === 'number' && below(2) === 0) return pick([...NUMBERS, value + 0.5, -value]);
    return this.anything();
  }

  #text({ pattern, format, contentEncoding, minLength = 0, maxLength = Infinity }: JsonSchema): string {
    const { below, pick } = this.#bound();
    if (format === 'uri' && below(3) > 0) return `data:image/png;base64,${PNG}`;
    if (contentEncoding === 'base64' && below(3) > 0) return PNG;
    if (typeof pattern === 'string') return BY_PATTERN[pattern] ?? '';
    return pick(TEXTS.filter((text) => text.length >= Number(minLength) && text.length <= Number(maxLength)));
  }

  #number({ minimum, maximum, exclusiveMinimum }: JsonSchema, isWhole: boolean): number {
    const { below, pick } = this.#bound();
    const least = Number(minimum ?? exclusiveMinimum ?? -1_000);
    const most = Number(maximum ?? 1_000);
    const step = isWhole ? 1 : (Math.min(most, least + 2) - least) / 3;
    return pick([
      exclusiveMinimum === undefined ? least : least + step,
      most,
      Math.min(most, least + step * (1 + below(3))),
    ]);
  }

  #list({ items, prefixItems, minItems = 0, maxItems = 3 }: JsonSchema, depth: number): unknown[] {
    if (Array.isArray(prefixItems))
      return (prefixItems as JsonSchema[]).map((item) => this.valid(item, depth + 1));
    const least = Number(minItems);
    const more = depth > MAX_DEPTH ? 0 : this.#random.below(Math.min(3, Number(maxItems) - least + 1));
    return Array.from({ length: least + more }, () => this.valid((items ?? {}) as JsonSchema, depth + 1));
  }

  #object(
    { properties = {}, required = [], additionalProperties, propertyNames }: JsonSchema,
    depth: number,
  ): object {
    const { below } = this.#bound();
    const known = Object.entries(properties as Record<string, JsonSchema>);
    const isNeeded = (name: string) => (required as string[]).includes(name);
    const optional = known.filter(([name]) => !isNeeded(name));
    const rarity = Math.max(2, Math.ceil(optional.length / 3));
    const chosen = known.filter(
      ([name, { deprecated }]) =>
        isNeeded(name) ||
        (depth <= MAX_DEPTH && below(rarity) === 0 && (deprecated !== true || below(10) === 0)),
    );
    const extra = typeof additionalProperties === 'object' && below(3) === 0 ? [1] : [];
    return Object.fromEntries([
      ...chosen.map(([name, schema]) => [name, this.valid(schema, depth + 1)] as const),
      ...extra.map(
        () =>
          [
            String(this.valid((propertyNames ?? { type: 'string' }) as JsonSchema, depth + 1)),
            this.valid(additionalProperties as JsonSchema, depth + 1),
          ] as const,
      ),
    ]);
  }

  #bound() {
    const random = this.#random;
    return {
      below: (below: number) => random.below(below),
      pick: <T>(choices: readonly T[]): T => random.pick(choices),
    };
  }
}

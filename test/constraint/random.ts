// Random schemas of the keywords that docs/structured-output.md lists, and answers that follow a constraint and nothing else: as wild
// as those of a model that was never trained.
import type { AnswerConstraint } from '../../server/src/reader/constraint/answer-constraint.js';
import type { Random } from '../../harness/random.js';

type Schema = Readonly<Record<string, unknown>>;

const PATTERNS = [
  '^[A-Z]{2}-\\d{1,3}$',
  '[0-9]+',
  '^(a|bc)*$',
  '^\\w+\\s\\S$',
  '^.{0,4}$',
  'é',
  '^[^"\\\\]{1,3}$',
];
const FORMATS = ['date', 'date-time', 'time', 'uuid', 'ipv4', 'ipv6', 'email', 'hostname'];
const NAMES = ['a', 'b', 'größe', 'x y', 'q"uote', 'long_name', '0', '$id'];

const pick = <T>(random: Random, from: readonly T[]): T => from[random.below(from.length)] as T;
const maybe = (random: Random, schema: () => Schema): Schema => (random.below(2) === 0 ? {} : schema());

export function randomSchema(random: Random, depth = 0): Schema {
  const kinds = depth < 3 ? [...LEAVES, ...NESTED] : LEAVES;
  return pick(random, kinds)(random, depth);
}

type Kind = (random: Random, depth: number) => Schema;

const integer: Kind = (random) => {
  const minimum = random.below(2_000) - 1_000;
  return {
    type: 'integer',
    ...maybe(random, () => ({ minimum })),
    ...maybe(random, () => ({ exclusiveMaximum: minimum + 2 + random.below(500) })),
  };
};
const number: Kind = (random) => {
  const minimum = (random.below(2_000) - 1_000) / 8;
  return {
    type: 'number',
    ...maybe(random, () => ({ exclusiveMinimum: minimum })),
    ...maybe(random, () => ({ maximum: minimum + 1 + random.below(100) })),
  };
};
const text: Kind = (random) => {
  const minLength = random.below(4);
  return pick<() => Schema>(random, [
    () => ({
      type: 'string',
      ...maybe(random, () => ({ minLength, maxLength: minLength + random.below(9) })),
    }),
    () => ({ type: 'string', pattern: pick(random, PATTERNS) }),
    () => ({ type: 'string', format: pick(random, FORMATS) }),
  ])();
};
const LEAVES: readonly Kind[] = [
  integer,
  number,
  text,
  text,
  (random) => ({ type: 'integer', multipleOf: 1 + random.below(9), minimum: 0, maximum: 500 }),
  (random) => ({
    enum: [pick(random, NAMES), random.below(9), null, true, { k: [1, 'é'] }].slice(random.below(4)),
  }),
  (random) => ({ const: pick<unknown>(random, ['日本', 2.5, [1, [2]], { a: null }, false]) }),
  (random) => ({
    type: pick<unknown>(random, ['boolean', 'null', ['string', 'null'], ['integer', 'boolean']]),
  }),
];

const object: Kind = (random, depth) => {
  const names = NAMES.filter(() => random.below(3) === 0);
  const properties = Object.fromEntries(names.map((name) => [name, randomSchema(random, depth + 1)]));
  return {
    type: 'object',
    properties,
    required: names.filter(() => random.below(2) === 0),
    ...pick<() => Schema>(random, [
      () => ({ additionalProperties: false }),
      () => ({ additionalProperties: false }),
      () => ({ additionalProperties: randomSchema(random, depth + 1) }),
    ])(),
  };
};
const list: Kind = (random, depth) => {
  const minItems = random.below(3);
  return {
    type: 'array',
    items: randomSchema(random, depth + 1),
    ...maybe(random, () => ({ minItems, maxItems: minItems + random.below(3) })),
  };
};
const NESTED: readonly Kind[] = [
  object,
  object,
  list,
  (random, depth) => ({
    type: 'array',
    prefixItems: [randomSchema(random, depth + 1), randomSchema(random, depth + 1)],
    minItems: 2,
    items: false,
  }),
  (random, depth) => ({ anyOf: [randomSchema(random, depth + 1), randomSchema(random, depth + 1)] }),
  (random) => ({
    oneOf: ['a', 'b'].map((kind) => ({
      type: 'object',
      properties: { kind: { const: kind }, [kind]: integer(random, 0) },
      required: ['kind', kind],
      additionalProperties: false,
    })),
  }),
  (random) => ({
    allOf: ['a', 'b'].map((name) => ({
      type: 'object',
      properties: { [name]: text(random, 0) },
      required: [name],
    })),
  }),
  () => ({
    type: 'object',
    properties: { v: { type: 'integer' }, next: { anyOf: [{ $ref: '#/$defs/leaf' }, { type: 'null' }] } },
    required: ['v', 'next'],
    additionalProperties: false,
  }),
  (random) => ({ type: 'object', additionalProperties: integer(random, 0), minProperties: 1 }),
];

/** A place for the references above. */
export const withDefinitions = (schema: Schema): Schema => ({
  ...schema,
  $defs: { leaf: { type: 'array', items: { type: 'boolean' }, maxItems: 2 } },
});

/**
 * The bytes of an answer, or null where it does not end within so many tokens. Draws evenly from what is allowed, ends more often.
 * @param endToken that ends answers
 */
export function randomAnswer(
  constraint: AnswerConstraint,
  random: Random,
  { endToken, maxTokens, pieceBytes }: AnswerMeans,
): Buffer | null {
  const pieces: Uint8Array[] = [];
  for (let count = 0; count < maxTokens; count += 1) {
    const mask = constraint.computeMask();
    const isAllowed = (token: number) => (((mask[token >> 5] ?? 0) >>> (token & 31)) & 1) === 1;
    const allowed = Array.from({ length: mask.length * 32 }, (_, token) => token).filter(isAllowed);
    const token = isAllowed(endToken) && random.below(3) === 0 ? endToken : pick(random, allowed);
    if (!constraint.allows(token)) throw new Error(`Mask and check differ over token ${token}.`);
    if (token === endToken) return Buffer.concat(pieces);
    pieces.push(pieceBytes(token));
    if (constraint.accept(token)) return Buffer.concat(pieces);
  }
  return null;
}

interface AnswerMeans {
  readonly endToken: number;
  readonly maxTokens: number;
  readonly pieceBytes: (token: number) => Uint8Array;
}

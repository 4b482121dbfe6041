// Schemas and patterns that shall cost a server as much as they can: of ten kinds, some refused by what they say, some by what they take,
// some compiled within the limits.

export type HostileConstraint =
  | { readonly kind: 'regex'; readonly pattern: string }
  | { readonly kind: 'json_schema'; readonly schema: object };

const regex = (pattern: string): HostileConstraint => ({ kind: 'regex', pattern });
const schema = (value: object): HostileConstraint => ({ kind: 'json_schema', schema: value });

const product = (levels: number): object =>
  levels === 0
    ? { enum: [1, 2] }
    : { type: 'object', properties: { a: product(levels - 1), b: product(levels - 1) } };
const unions = (levels: number): object =>
  levels === 0
    ? { type: 'object', properties: { [`p${levels}`]: { type: 'integer' } } }
    : {
        allOf: [
          { anyOf: [unions(levels - 1), { required: [`q${levels}`] }] },
          { anyOf: [{ type: 'object' }, { minProperties: 1 }] },
        ],
      };

const KINDS: readonly ((n: number) => HostileConstraint)[] = [
  (n) => regex(`(a+)+${n}`),
  (n) => regex(`(x{1,${90 + (n % 10)}}){1,100}`),
  (n) => regex(`((((a*)*)*)*)*b{${n + 1}}`),
  (n) => regex(`(.*a.{${20 + (n % 20)}}){2,30}`),
  (n) => regex(`(a|b|ab){${n + 1}}(?=c)`),
  (n) => schema(product(6 + (n % 6))),
  (n) => schema(unions(2 + (n % 8))),
  (n) => schema({ type: 'array', maxItems: 10 ** (3 + n), items: { type: 'array', maxItems: 1_000 } }),
  (n) =>
    schema({
      type: 'array',
      maxItems: 1_000,
      items: { type: 'array', maxItems: 900 + n, items: { type: 'string', maxLength: 9_000 } },
    }),
  (n) => schema({ enum: Array.from({ length: 9_000 }, (_, i) => `${n}-${i}`) }),
];

/** The n-th, a little different from the one of the same kind before. */
export function hostileConstraint(n: number): HostileConstraint {
  const make = KINDS[n % KINDS.length];
  if (make === undefined) throw new RangeError(`there is no hostile constraint ${n}`);
  return make(n);
}

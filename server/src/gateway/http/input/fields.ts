// Fields of JSON requests to the APIs of others: kinds of values that say what is allowed, and the one way of
// parsing them. Whatever does not parse is refused with the field's name as clients know it, what was got and what is allowed.
import { z } from 'zod';
import { InputError } from '../../../errors.js';

const MAX_SHOWN_CHARACTERS = 60;
const IDENTIFIER = 'a name of 1 to 64 letters, digits, _ and -';

/** @param place where the value stands in the request; empty for the body itself */
export function parseFields<S extends z.ZodType>(schema: S, value: unknown, place = ''): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  const got = path.reduce<unknown>((inner, key) => memberOf(inner, key), value);
  throw invalidField(nameOf(place, path), got, issue?.message ?? 'what its API documents');
}

/** @param allowed to be read after "allowed is" */
export const invalidField = (field: string, got: unknown, allowed: string): InputError =>
  new InputError(
    'request.field_invalid',
    `${field === '' ? 'The request' : field} is ${shown(got)}; allowed is ${allowed}.`,
    { details: field === '' ? {} : { field } },
  );

/** @param why a sentence that says what to do instead */
export const unsupportedField = (field: string, why: string): InputError =>
  new InputError('request.not_supported', `${field} is not supported: ${why}`, { details: { field } });

/** A list of at most `max` elements, which are looked at by nobody before it is known that they are so few. */
export function parseList(value: unknown, max: number, field: string, what: string): readonly unknown[] {
  const allowed = `a list of 1 to ${max} ${what}`;
  if (!isList(value)) throw invalidField(field, value, allowed);
  if (value.length === 0 || value.length > max) throw invalidField(field, value, allowed);
  return value;
}

export const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
export const isEmptyList = (value: unknown): boolean => isList(value) && value.length === 0;

/** Null and missing mean the same, as for all fields that may be left out. */
export const number = (min: number, max: number) => {
  const allowed = `a number from ${min} to ${max}`;
  return z.number(allowed).min(min, allowed).max(max, allowed).nullish();
};
export const integer = (min: number, max: number) => {
  const allowed = `a whole number from ${min} to ${max}`;
  return z.int(allowed).min(min, allowed).max(max, allowed).nullish();
};
export const flag = () => z.boolean('true or false').nullish();
export const text = () => z.string('a string').nullish();
export const requiredText = () => z.string('a string');
/** Of a function or of a schema: OpenAI's rule. */
export const identifier = () => z.string(IDENTIFIER).regex(/^[a-zA-Z0-9_-]{1,64}$/u, IDENTIFIER);
/** Of a field that is parsed, or refused, elsewhere. */
export const anything = () => z.unknown().optional();

/** `messages` and `[0, 'content']` make `messages[0].content`. */
function nameOf(place: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((name, key) => {
    if (typeof key === 'number') return `${name}[${key}]`;
    return name === '' ? String(key) : `${name}.${String(key)}`;
  }, place);
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (isList(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'number') return `${value}`;
  if (typeof value !== 'string') return JSON.stringify(value);
  const json = JSON.stringify(value.slice(0, MAX_SHOWN_CHARACTERS));
  return value.length > MAX_SHOWN_CHARACTERS ? `${json}… of ${value.length} characters` : json;
}

// Fields that other servers know and that this one cannot honour. Each is refused by name unless its value asks for nothing, so that
// nobody takes an answer for what it is not.
import { z } from 'zod';
import { unsupportedField } from './fields.js';

interface RefusedField {
  /** Whether a value asks for what the server does anyway. */
  readonly isHarmless?: (value: unknown) => boolean;
  /** What to do instead. */
  readonly why: string;
}

export type RefusedFields = Readonly<Record<string, RefusedField>>;

/** Whether a value is one of those that ask for nothing. */
export const oneOf =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);

/** As the description of the API tells them. */
export const describedRefusals = (refused: RefusedFields): Record<string, z.ZodType> =>
  Object.fromEntries(
    Object.entries(refused).map(([field, { why }]) => [
      field,
      z
        .unknown()
        .optional()
        .meta({ deprecated: true, description: `Refused, unless it asks for nothing: ${why}` }),
    ]),
  );

/**
 * @param place of the fields in the request, such as `options.`
 * @throws InputError request.not_supported
 */
export function validateNoRefusedFields(body: unknown, refused: RefusedFields, place = ''): void {
  if (typeof body !== 'object' || body === null) return;
  for (const [field, value] of Object.entries(body)) {
    const known = Object.hasOwn(refused, field) ? refused[field] : undefined;
    if (known === undefined || value === null || value === undefined) continue;
    if (known.isHarmless?.(value) !== true) throw unsupportedField(`${place}${field}`, known.why);
  }
}

// The body of POST /api/show.
import { z } from 'zod';
import { parseFields, text } from '../input/fields.js';

/** `name` is what older programs call it. */
export const showRequestSchema = z
  .object({ model: text(), name: text() }, 'a JSON object such as {"model": "primary"}')
  .meta({ id: 'OllamaShowRequest' });

/**
 * The name of the model; null where there is none.
 * @throws InputError request.field_invalid
 */
export function parseShowRequest(body: unknown): string | null {
  const { model, name } = parseFields(showRequestSchema, body);
  return model ?? name ?? null;
}

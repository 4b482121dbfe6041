// What json_schema and regex_string of a native request ask for. Both together: regex_string counts, as the documented API has it.
import { CONSTRAINT_BACKENDS, type GenerateRequest } from 'takeoff-wire';
import { InputError } from '../../../errors.js';
import type { Constraint } from '../../../link/requests/messages.js';
import { jsonSchemaConstraint, regexConstraint } from '../connection/constraint.js';

/**
 * One engine does the work of all that clients name.
 * @throws InputError request.wrong_shape, request.out_of_range, request.constraint_too_large
 */
export function constraintOf(request: GenerateRequest): Constraint | null {
  const { regex_string: pattern, json_schema: schema, constrained_decoding_backend: backend } = request;
  if (backend != null && !CONSTRAINT_BACKENDS.includes(backend)) {
    throw new InputError(
      'request.out_of_range',
      `constrained_decoding_backend is ${JSON.stringify(backend.slice(0, 100))}; allowed are ${CONSTRAINT_BACKENDS.join(', ')}, or null. They all mean the same here.`,
    );
  }
  if (pattern != null) return regexConstraint(pattern, 'regex_string');
  return schema == null ? null : jsonSchemaConstraint(schema, 'json_schema');
}

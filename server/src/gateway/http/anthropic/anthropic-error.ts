// The JSON body of every error of Anthropic's API: its types by status, and beside them the code of docs/errors.md, which its clients
// do not look at.
import { ERROR_CODES, type ErrorCode } from 'takeoff-wire';
import { z } from 'zod';
import type { WritableError } from '../connection/public-error.js';
import type { ErrorForm } from '../description/operation.js';

const TYPES = [
  'invalid_request_error',
  'authentication_error',
  'permission_error',
  'not_found_error',
  'request_too_large',
  'overloaded_error',
  'api_error',
] as const;
type ErrorType = (typeof TYPES)[number];

/** Of statuses that have one of their own. */
const TYPE_BY_STATUS: Readonly<Record<number, ErrorType>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  503: 'overloaded_error',
};

export const anthropicErrorSchema = z
  .object({
    type: z.literal('error'),
    error: z.object({
      type: z.enum(TYPES),
      message: z.string(),
      code: z.string(),
    }),
  })
  .meta({ id: 'AnthropicErrorBody' });

export const writeAnthropicError = ({
  code,
  message,
}: WritableError): z.infer<typeof anthropicErrorSchema> => ({
  type: 'error',
  error: { type: typeOf(code), message, code },
});

function typeOf(code: ErrorCode): ErrorType {
  const { status } = ERROR_CODES[code];
  return TYPE_BY_STATUS[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
}

export const ANTHROPIC_ERROR_FORM: ErrorForm = {
  schema: anthropicErrorSchema,
  write: writeAnthropicError,
  shownCode: (code) => code,
};

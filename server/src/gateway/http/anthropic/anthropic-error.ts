// The JSON body of every error of Anthropic's API: its types by status, and beside them the code of docs/errors.md, which its clients
// do not look at.
import { ERROR_CODES, type ErrorCode } from 'takeoff-wire';
import { z } from 'zod';
import type { WritableError } from '../connection/public-error.js';
import type { ErrorForm } from '../description/operation.js';

const TYPES = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  503: 'overloaded_error',
} as const;

const OTHER = { refused: 'invalid_request_error', failed: 'api_error' } as const;

export const anthropicErrorSchema = z
  .object({
    type: z.literal('error'),
    error: z.object({
      type: z.enum([...Object.values(TYPES), OTHER.failed]),
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

function typeOf(code: ErrorCode): z.infer<typeof anthropicErrorSchema>['error']['type'] {
  const { status } = ERROR_CODES[code];
  const known = Object.entries(TYPES).find(([one]) => Number(one) === status);
  return known?.[1] ?? (status < 500 ? OTHER.refused : OTHER.failed);
}

export const ANTHROPIC_ERROR_FORM: ErrorForm = {
  schema: anthropicErrorSchema,
  write: writeAnthropicError,
  shownCode: (code) => code,
};

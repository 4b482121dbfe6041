// The JSON body of every error of the OpenAI API. Its codes are those of docs/errors.md, but for the few that clients of OpenAI
// compare with; its types are OpenAI's.
import { ERROR_CODES, type ErrorCode } from 'takeoff-wire';
import type { WritableError } from '../connection/public-error.js';
import type { ErrorForm } from '../description/operation.js';
import { openaiErrorSchema, type OpenaiErrorBody } from './answer-schemas.js';

export const OPENAI_CODES: Partial<Record<ErrorCode, string>> = {
  'auth.required': 'invalid_api_key',
  'request.model_unknown': 'model_not_found',
  'request.does_not_fit': 'context_length_exceeded',
};

const shownCode = (code: ErrorCode): string => OPENAI_CODES[code] ?? code;

export const openaiErrorOf = ({ code, message, field = null }: WritableError): OpenaiErrorBody['error'] => ({
  message,
  type: ERROR_CODES[code].status < 500 ? 'invalid_request_error' : 'server_error',
  param: field,
  code: shownCode(code),
});

export const writeOpenaiError = (error: WritableError): OpenaiErrorBody => ({
  error: openaiErrorOf(error),
});

export const OPENAI_ERROR_FORM: ErrorForm = { schema: openaiErrorSchema, write: writeOpenaiError, shownCode };

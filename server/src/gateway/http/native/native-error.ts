// The JSON body of every error of the native API, of the management port and of addresses that do not exist.
import { errorBodySchema, type ErrorBody } from 'takeoff-wire';
import type { PublicError } from '../connection/public-error.js';
import type { ErrorForm } from '../description/operation.js';

export const writeNativeError = ({ code, message }: Pick<PublicError, 'code' | 'message'>): ErrorBody => ({
  error: { code, message },
});

export const NATIVE_ERROR_FORM: ErrorForm = {
  schema: errorBodySchema,
  write: writeNativeError,
  shownCode: (code) => code,
};

// The JSON body of every error of the native API, of the management port and of addresses that do not exist.
import type { ErrorBody } from 'takeoff-wire';
import type { PublicError } from '../connection/public-error.js';

export const writeNativeError = ({ code, message }: Pick<PublicError, 'code' | 'message'>): ErrorBody => ({
  error: { code, message },
});

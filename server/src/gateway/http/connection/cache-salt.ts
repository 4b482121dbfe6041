// The request field `cache_salt`, which the native API and the OpenAI API share; vLLM has the same name for it.
import { InputError } from '../../../errors.js';

const MAX_SALT_CHARACTERS = 256;

/** @throws InputError request.out_of_range */
export function validateCacheSalt(salt: string | null | undefined): string | null {
  if (salt == null) return null;
  if (salt.length > 0 && salt.length <= MAX_SALT_CHARACTERS) return salt;
  throw new InputError(
    'request.out_of_range',
    `cache_salt has ${salt.length} characters; allowed are 1 to ${MAX_SALT_CHARACTERS}, or null.`,
    { details: { field: 'cache_salt' } },
  );
}

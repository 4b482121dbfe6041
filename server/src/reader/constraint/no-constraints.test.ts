import { expect, it } from 'vitest';
import { InputError } from '../../errors.js';
import { noConstraints } from './no-constraints.js';

it('a reader without constraints refuses a request that has one by its field, and says which setting does so', async () => {
  const refused = await noConstraints
    .compile({ kind: 'regex', pattern: 'a+', field: 'regex_string' })
    .catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(InputError);
  expect(refused).toMatchObject({
    code: 'request.constraint_unsupported',
    details: { field: 'regex_string' },
    message: expect.stringContaining('constrained_decoding_backend of this reader is none') as string,
  });
});

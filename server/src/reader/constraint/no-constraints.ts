// In the place of a reader's constraints where the operator has switched them off: every request with one is refused.
import { InputError } from '../../errors.js';
import type { Constraints } from './constraints.js';

export const noConstraints: Pick<Constraints, 'compile' | 'close'> = {
  compile: ({ field }) =>
    Promise.reject(
      new InputError(
        'request.constraint_unsupported',
        `${field} is set, but constrained_decoding_backend of this reader is none: its answers are not bound to schemas and patterns. The operator can leave the setting out or set it to all.`,
        { details: { field } },
      ),
    ),
  close: () => Promise.resolve(),
};

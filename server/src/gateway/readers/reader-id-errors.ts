// Why an id that a client named is not accepted as that of a reader.
import { InputError } from '../../errors.js';

/** Of a client's text that a message repeats. */
const MAX_SHOWN_CHARACTERS = 100;

export const unknownReader = (readerId: string): InputError =>
  new InputError(
    'request.reader_unknown',
    `No reader of this server has the id ${shown(readerId)}. /status lists them.`,
  );

export const takenReaderId = (readerId: string): InputError =>
  new InputError(
    'request.reader_invalid',
    `reader_id is ${shown(readerId)}, which a reader of this server has already. Remove that one first, or leave reader_id out.`,
  );

const shown = (readerId: string): string => JSON.stringify(readerId.slice(0, MAX_SHOWN_CHARACTERS));

// The settings of a reader as requests give them, by their keys of the configuration, which says what each means and allows. Whether a
// value is allowed is validated there too, and unknown keys are ignored there.
import { z } from 'zod';
import { READER_SETTINGS } from '../../../config/reader-settings.js';

export const readerSettingsSchema = z
  .looseObject(
    Object.fromEntries(
      READER_SETTINGS.map(({ facts: { key, meaning, allowed } }) => [
        key,
        z.unknown().optional().describe(`${meaning} Allowed: ${allowed}.`),
      ]),
    ),
  )
  .meta({ id: 'ReaderSettings' });

/** Of a reader that is added. Which model is missing is said with the other settings. */
export const newReaderSchema = readerSettingsSchema.meta({ id: 'NewReader', required: ['model_name'] });

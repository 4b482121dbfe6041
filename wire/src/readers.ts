// Readers that come and go, on the management port.
import { z } from 'zod';

/** POST /reader and PATCH /reader/:reader_id: settings by their keys, as in an entry of readers_config. docs/config.md lists them. */
export const readerKeysSchema = z.record(z.string(), z.unknown());

/** What a reader is set to now, by the same keys; secrets are hidden. */
export const addedReaderSchema = z.looseObject({ reader_id: z.string() }).meta({ id: 'AddedReader' });
export type AddedReader = z.infer<typeof addedReaderSchema>;

/** GET /config/:reader_id: the model's own config.json, once it is live, and beside its keys the settings of the reader. */
export const readerConfigSchema = z
  .looseObject({ takeoff: z.record(z.string(), z.unknown()).describe('What the reader is set to.') })
  .meta({ id: 'ReaderConfig' });
export type ReaderConfig = z.infer<typeof readerConfigSchema>;

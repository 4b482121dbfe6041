// What a reader must know and no log, queue or status page may: kept out of both protocols. A transport hands it over by itself
// where it is private to the two processes (child IPC does, before anything else); a reader on another machine has its own.
import { z } from 'zod';

export interface ReaderSecrets {
  /** For the model hub alone. */
  readonly hubAccessToken: string | null;
  /** For the cluster of `device: api` alone. */
  readonly apiKey: string | null;
}

export const NO_SECRETS: ReaderSecrets = { hubAccessToken: null, apiKey: null };

/** Child IPC's first message. */
export interface SecretsMessage {
  readonly kind: 'secrets';
  readonly secrets: ReaderSecrets;
}

export const secretsMessageSchema = z.object({
  kind: z.literal('secrets'),
  secrets: z.object({ hubAccessToken: z.string().nullable(), apiKey: z.string().nullable() }),
}) satisfies z.ZodType<SecretsMessage>;

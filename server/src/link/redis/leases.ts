// How processes show each other that they live: a key that ends by itself, written once a second. That of a reader holds what gateways
// must know of it. Nobody compares clocks: only Redis judges whether a lease has ended, and nobody who was cut off himself does so at once.
import { z } from 'zod';
import type { ReaderCard } from '../lifecycle/messages.js';
import { readerCountsSchema, type ReaderCounts } from '../lifecycle/reader-counts.js';
import { readerCardSchema } from '../lifecycle/schema.js';
import { VERSIONS } from '../messages.js';
import { parseMessage } from './parse-message.js';

export const LEASE_MS = 5_000;
export const BEAT_MS = 1_000;
/** Before anybody judges another's lease after he was cut off himself: all who were may have written theirs again by then. */
export const GRACE_MS = 5_000;
/** How long what runs outlives Redis. */
export const OUTAGE_MS = 30_000;

const MAX_TILES_TOLD = 64;

export type LeaseState =
  | {
      readonly kind: 'loading';
      readonly modelName: string;
      readonly device: string;
      readonly stage: string;
      readonly fraction: number | null;
    }
  | { readonly kind: 'live'; readonly card: ReaderCard }
  | { readonly kind: 'draining'; readonly card: ReaderCard };

export interface ReaderLease {
  readonly readerId: string;
  readonly consumerGroups: readonly string[];
  readonly maxBatchSize: number;
  /** The request protocol that it speaks. */
  readonly requests: number;
  readonly state: LeaseState;
  /** How often it was written. */
  readonly beat: number;
  /** Answers that could begin at once; negative where prompts wait. */
  readonly freePlaces: number;
  readonly openPrompts: number;
  /** From the last heartbeat; null before the first. */
  readonly counts: ReaderCounts | null;
  /** Hashes of tiles that need not travel to it, newest first. */
  readonly tiles: readonly string[];
}

const name = z.string().max(128);
const readerLeaseSchema = z.object({
  readerId: name,
  consumerGroups: z.array(name),
  maxBatchSize: z.int().min(1),
  requests: z.int(),
  state: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('loading'),
      modelName: z.string(),
      device: z.string(),
      stage: z.string(),
      fraction: z.number().nullable(),
    }),
    z.object({ kind: z.literal('live'), card: readerCardSchema }),
    z.object({ kind: z.literal('draining'), card: readerCardSchema }),
  ]),
  beat: z.int().min(0),
  freePlaces: z.int(),
  openPrompts: z.int().min(0),
  counts: readerCountsSchema.nullable(),
  tiles: z.array(z.string().max(64)).max(MAX_TILES_TOLD),
}) satisfies z.ZodType<ReaderLease>;

export const writeReaderLease = (lease: ReaderLease): string => JSON.stringify(lease);

/** Undefined for what is no lease, or one of a reader that speaks another version of the request protocol. */
export function parseReaderLease(text: string): ReaderLease | undefined {
  const lease = parseMessage(readerLeaseSchema, text);
  return lease?.requests === VERSIONS.requests ? lease : undefined;
}

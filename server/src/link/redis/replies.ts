// What Redis answers, by shape. A server is trusted to be Redis and not to be free of surprises: an answer of another shape is a defect.
import { z } from 'zod';
import { Defect } from '../../errors.js';
import { messageIn } from './messages.js';

export interface StreamEntry {
  readonly stream: string;
  readonly id: string;
  /** Undefined for an entry that is no message of ours, or of another version. */
  readonly message: string | undefined;
}

const fields = z.array(z.string());
const streams = z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), fields.nullable()]))])).nullable();

/** Of `XREAD` and `XREADGROUP`. */
export const entriesOf = (reply: unknown): readonly StreamEntry[] =>
  (shaped(streams, reply) ?? []).flatMap(([stream, entries]) =>
    entries.map(([id, given]) => ({ stream, id, message: messageIn(given ?? []) })),
  );

export const numberOf = (reply: unknown): number => shaped(z.number(), reply);
export const textsOf = (reply: unknown): readonly string[] => shaped(z.array(z.string()), reply);
export const textOrNullOf = (reply: unknown): string | null => shaped(z.string().nullable(), reply);
export const textsOrNullsOf = (reply: unknown): readonly (string | null)[] =>
  shaped(z.array(z.string().nullable()), reply);
export const bytesOrNullOf = (reply: unknown): Buffer | null =>
  shaped(z.instanceof(Buffer).nullable(), reply);

export interface Claimed {
  readonly cursor: string;
  readonly entries: readonly {
    readonly id: string;
    readonly message: string;
    readonly deliveries: number;
  }[];
}

/** Of the script `CLAIM`. */
export function claimedOf(reply: unknown): Claimed {
  const [cursor = '0-0', ...rest] = shaped(z.array(z.union([z.string(), z.number()])), reply);
  const entries = Array.from({ length: Math.floor(rest.length / 3) }, (_, index) => ({
    id: String(rest[index * 3]),
    message: String(rest[index * 3 + 1]),
    deliveries: Number(rest[index * 3 + 2]),
  }));
  return { cursor: String(cursor), entries };
}

function shaped<Shape>(schema: z.ZodType<Shape>, reply: unknown): Shape {
  const parsed = schema.safeParse(reply);
  if (parsed.success) return parsed.data;
  throw new Defect('Redis answered a command in a shape that does not exist.', { cause: parsed.error });
}

// Text from Redis to what a schema says it is: another process wrote it, of another version perhaps.
import type { z } from 'zod';

export type Reviver = (key: string, value: unknown) => unknown;

/** Undefined for what is no JSON, or JSON of another shape. */
export function parseMessage<Message>(
  schema: z.ZodType<Message>,
  text: string,
  revive?: Reviver,
): Message | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text, revive);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return schema.safeParse(json).data;
}

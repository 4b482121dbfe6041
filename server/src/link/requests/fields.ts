// Shapes that several messages of the request protocol have.
import { isErrorCode, type ErrorCode } from 'takeoff-wire';
import { z } from 'zod';

export const countSchema = z.int().min(0);
export const requestIdSchema = z.string().max(128);
export const errorCodeSchema = z.custom<ErrorCode>(
  (value) => typeof value === 'string' && isErrorCode(value),
);

const parts = z.array(
  z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('text'), text: z.string() }),
    z.object({ kind: z.literal('image'), image: countSchema }),
  ]),
);
export const conversationSchema = z.object({
  kind: z.literal('conversation'),
  system: z.string().nullable(),
  turns: z.array(z.object({ role: z.enum(['user', 'assistant']), parts })).min(1),
});
export const promptSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('raw'), parts }),
  conversationSchema,
]);

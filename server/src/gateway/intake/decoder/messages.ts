// What the gateway and a decoder child say to each other. The child works on hostile bytes, so the gateway parses what it says.
import { type ErrorCode, isErrorCode } from 'takeoff-wire';
import { z } from 'zod';
import { imageFormSchema } from '../../../model/description.js';
import { IMAGE_FORMATS } from '../sniff.js';

// z.instanceof would narrow to Uint8Array<ArrayBuffer>.
const bytesSchema = z.custom<Uint8Array>((value) => value instanceof Uint8Array);

export const decodeJobSchema = z.object({
  kind: z.literal('decode'),
  bytes: bytesSchema,
  format: z.enum(IMAGE_FORMATS),
  maxImagePixels: z.int().min(1),
  form: imageFormSchema,
});
/** One job at a time; the next follows the answer. */
export type DecodeJob = z.infer<typeof decodeJobSchema>;

const refusalCodeSchema = z.custom<ErrorCode>((value) => typeof value === 'string' && isErrorCode(value));

export const fromDecoderSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({
    kind: z.literal('decoded'),
    /** Size after orientation. */
    widthPx: z.int().min(1),
    heightPx: z.int().min(1),
    /** u8 [tiles, sidePx, sidePx, 3] RGB; of a whole image a PNG file. */
    tiles: bytesSchema,
    /** Resident memory of the child after the job. */
    residentBytes: z.int().min(0),
  }),
  z.object({ kind: z.literal('refused'), code: refusalCodeSchema, message: z.string().max(1000) }),
]);
export type FromDecoder = z.infer<typeof fromDecoderSchema>;

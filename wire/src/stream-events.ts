// What the native streams say, event by event: raw text for a single prompt, JSON with batch_id for a list, metadata as the last
// event of a prompt, and `event: error` when a stream fails after its first event. The end of a stream is the end of the response.
import { z } from 'zod';
import type { ErrorBody } from './error-codes.js';
import { generationMetadataSchema, type GenerationMetadata } from './generate-answer.js';
import { encodeSseEvent, withoutCarriageReturns } from './sse-encoder.js';

export const ERROR_EVENT_NAME = 'error';

/** An event of a batch stream. */
export const batchEventSchema = z
  .object({
    text: z.string(),
    batch_id: z.int().min(0).describe('Which prompt of the list the text belongs to, from 0.'),
    metadata: generationMetadataSchema
      .optional()
      .describe('With return_metadata, in the last event of each prompt, whose text is empty.'),
  })
  .meta({ id: 'BatchEvent' });
export type BatchEvent = z.infer<typeof batchEventSchema>;

/** The last event of a single-prompt stream when return_metadata was true; all events before it are raw text. */
export const metadataEventSchema = z
  .object({ text: z.literal(''), metadata: generationMetadataSchema })
  .meta({ id: 'MetadataEvent' });
export type MetadataEvent = z.infer<typeof metadataEventSchema>;

/**
 * The body of every error response and the data of every error event. Any code parses, because a newer server may have codes
 * that ERROR_CODES lacks.
 */
export const errorBodySchema = z
  .object({
    error: z.object({
      code: z.string().describe('Stable: programs may branch on it.'),
      message: z.string().describe('For people: what was got, what is allowed, which setting changes it.'),
    }),
  })
  .meta({ id: 'ErrorBody' });

export const encodeTextEvent = (text: string): string => encodeSseEvent(text);

export const encodeBatchEvent = (text: string, batchId: number): string =>
  encodeSseEvent(JSON.stringify({ text: withoutCarriageReturns(text), batch_id: batchId }));

/** `batchId` is null for a single prompt. */
export const encodeMetadataEvent = (metadata: GenerationMetadata, batchId: number | null): string =>
  encodeSseEvent(
    JSON.stringify(batchId === null ? { text: '', metadata } : { text: '', batch_id: batchId, metadata }),
  );

export const encodeErrorEvent = (body: ErrorBody): string =>
  encodeSseEvent(JSON.stringify(body), ERROR_EVENT_NAME);

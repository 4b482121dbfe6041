// Reads whole bodies within the limits: of one body as it is sent, of one body as it is decoded, and of all that are in memory.
import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { BodyBudget } from './body-budget.js';
import { collectBody } from './body-limit.js';
import { codingOf, decodeBody } from './content-encoding.js';
import type { HttpLimits } from './http-limits.js';

/**
 * Hands the bytes to `parse` while they count as memory.
 * @throws InputError request.body_too_large, request.malformed, request.encoding_unsupported, request.encoding_broken
 * @throws CapacityError server.uploads_busy
 */
export type BodyReader = <Parsed>(
  request: Pick<FastifyRequest, 'headers'>,
  payload: Readable,
  parse: (bytes: Buffer) => Parsed,
) => Promise<Parsed>;

export function createBodyReader({ bodySizeLimitBytes, bodyMemoryLimitBytes }: HttpLimits): BodyReader {
  // A compressed body is in memory twice for a moment.
  const budget = new BodyBudget(bodyMemoryLimitBytes, 2 * bodySizeLimitBytes);
  return async (request, payload, parse) => {
    const coding = codingOf(request.headers['content-encoding']);
    using claim = budget.open();
    const bytes = await collectBody(payload, bodySizeLimitBytes, claim);
    if (coding === null) return parse(bytes);
    // What comes out is known when it is there, so the largest that may is counted.
    claim.take(bodySizeLimitBytes);
    return parse(await decodeBody(bytes, coding, bodySizeLimitBytes));
  };
}

// Reads whole bodies within the limits: of one body, and of all that are in memory.
import type { Readable } from 'node:stream';
import { BodyBudget } from './body-budget.js';
import { collectBody } from './body-limit.js';
import type { HttpLimits } from './http-limits.js';

/**
 * Hands the bytes to `parse` while they count as memory.
 * @throws InputError request.body_too_large, request.malformed
 * @throws CapacityError server.uploads_busy
 */
export type BodyReader = <Parsed>(payload: Readable, parse: (bytes: Buffer) => Parsed) => Promise<Parsed>;

export function createBodyReader({ bodySizeLimitBytes, bodyMemoryLimitBytes }: HttpLimits): BodyReader {
  const budget = new BodyBudget(bodyMemoryLimitBytes, bodySizeLimitBytes);
  return async (payload, parse) => {
    using claim = budget.open();
    return parse(await collectBody(payload, bodySizeLimitBytes, claim));
  };
}

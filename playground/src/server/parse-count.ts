// The answer of POST /count, an extension that servers have or have not. Pure.
import { isRecord } from './parse-status.js';

export interface Count {
  readonly imageTokens: number;
  readonly fits: boolean;
}

/** Null where the body is not such an answer to one prompt. */
export function parseCount(body: unknown): Count | null {
  const count = isRecord(body) ? body['count'] : undefined;
  if (!isRecord(count)) return null;
  const { image_tokens, fits } = count;
  return typeof image_tokens === 'number' && typeof fits === 'boolean'
    ? { imageTokens: image_tokens, fits }
    : null;
}

// The answer of POST /count, an extension that servers have or have not. Pure.
import { isRecord } from './parse-status.js';

export interface Count {
  readonly imageTokens: number;
  readonly fits: boolean;
}

/** Null where the body is not such an answer. The counts of a single prompt may stand in a list of one. */
export function parseCount(body: unknown): Count | null {
  if (!isRecord(body)) return null;
  const { image_tokens, fits } = body;
  const tokens: unknown = Array.isArray(image_tokens) ? image_tokens[0] : image_tokens;
  const isFitting: unknown = Array.isArray(fits) ? fits[0] : fits;
  if (typeof tokens !== 'number') return null;
  return { imageTokens: tokens, fits: isFitting !== false };
}

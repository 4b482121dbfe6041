// Names what a request asks for: equal for requests that a reader cannot tell apart, whoever sends them and whenever.
import { createHash } from 'node:crypto';
import type { GenerateMessage } from '../../link/requests/messages.js';

export function contentHash({
  prompts,
  images,
  promptMaxTokens,
  loraId,
  sampling,
  constraint,
}: GenerateMessage): string {
  const asked = {
    prompts,
    images: images.map(({ sha256 }) => sha256),
    promptMaxTokens,
    loraId,
    sampling,
    constraint,
  };
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64');
}

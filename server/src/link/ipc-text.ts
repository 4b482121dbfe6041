// How messages lie on the channel between gateway and reader. Node.js packs and unpacks a text in half the time that it takes for an
// object, and for a small answer that is a good part of what it costs: what is said all the time travels as JSON. What holds bytes
// (images, log probabilities) travels as an object, which copies them and does no more.
import type { FromReader, ToReader } from './messages.js';

export const packToReader = (message: ToReader): string | ToReader =>
  message.kind === 'generate' && message.images.length === 0 ? JSON.stringify(message) : message;

export const packFromReader = (messages: readonly FromReader[]): string | readonly FromReader[] =>
  messages.some(hasBytes) ? messages : JSON.stringify(messages);

/** What was packed, not looked at otherwise; undefined for a text that is no JSON. */
export function unpack(received: unknown): unknown {
  if (typeof received !== 'string') return received;
  try {
    return JSON.parse(received);
  } catch {
    return undefined;
  }
}

const hasBytes = (message: FromReader): boolean => message.kind === 'token' && message.logprobs !== undefined;

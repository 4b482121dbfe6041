// Keeps bodies within body_size_limit_bytes: refused by the declared length before a byte is read, by count while reading
// otherwise. Also lets the client of a refused upload read its answer, within bounds.
import type { IncomingMessage } from 'node:http';
import { InputError } from '../../errors.js';
import { LINGER_BYTES, LINGER_MS } from './http-limits.js';

/** @throws InputError request.body_too_large */
export function refuseDeclaredLength(declared: string | undefined, limitBytes: number): void {
  if (declared !== undefined && Number(declared) > limitBytes)
    throw bodyTooLarge(`has ${declared} bytes`, limitBytes);
}

/**
 * The whole body.
 * @throws InputError request.body_too_large
 */
export async function collectBody(body: AsyncIterable<unknown>, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let receivedBytes = 0;
  for await (const chunk of body) {
    if (!Buffer.isBuffer(chunk)) continue;
    receivedBytes += chunk.length;
    if (receivedBytes > limitBytes) throw bodyTooLarge('is larger', limitBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, receivedBytes);
}

/** Rejects when more than the limit has arrived, and never resolves. For bodies that somebody else reads. */
export function overLimit(raw: IncomingMessage, limitBytes: number): Promise<never> {
  return new Promise((_, reject) => {
    let receivedBytes = 0;
    raw.on('data', (chunk: Buffer) => {
      receivedBytes += chunk.length;
      if (receivedBytes > limitBytes) reject(bodyTooLarge('is larger', limitBytes));
    });
  });
}

const bodyTooLarge = (what: string, limitBytes: number): InputError =>
  new InputError(
    'request.body_too_large',
    `The request body ${what}; allowed are ${limitBytes} bytes, pictures included. The operator can raise body_size_limit_bytes (TAKEOFF_BODY_SIZE_LIMIT_BYTES).`,
    { details: { setting: 'body_size_limit_bytes', allowed: limitBytes } },
  );

/** Reads what is left of an answered request to nowhere, for a while, then cuts the connection. */
export function lingerAfterAnswer(raw: IncomingMessage): void {
  if (raw.complete || raw.destroyed) return;
  let discardedBytes = 0;
  const cut = (): void => void raw.socket.destroy();
  const timer = setTimeout(cut, LINGER_MS);
  timer.unref();
  raw.unpipe();
  raw.on('data', (chunk: Buffer) => {
    discardedBytes += chunk.length;
    if (discardedBytes > LINGER_BYTES) cut();
  });
  raw.once('close', () => clearTimeout(timer));
  raw.once('end', () => clearTimeout(timer));
  raw.resume();
}

// Keeps bodies within body_size_limit_bytes: refused by the declared length before a byte is read, by count while reading
// otherwise.
import { finished, type Readable } from 'node:stream';
import { Defect, InputError } from '../../../errors.js';
import type { BodyClaim } from './body-budget.js';

/** @throws InputError request.body_too_large */
export function validateDeclaredLength(declared: string | undefined, limitBytes: number): void {
  if (declared !== undefined && Number(declared) > limitBytes)
    throw bodyTooLarge(`has ${declared} bytes`, limitBytes);
}

/**
 * The whole body. On failure the stream is left alive and unread: destroying a request would end its connection before the
 * client has its answer.
 * @throws InputError request.body_too_large
 * @throws CapacityError server.uploads_busy
 */
export function collectBody(body: Readable, limitBytes: number, claim: BodyClaim): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let receivedBytes = 0;
    const take = (chunk: Buffer): void => {
      try {
        receivedBytes += chunk.length;
        if (receivedBytes > limitBytes) throw bodyTooLarge('is larger', limitBytes);
        claim.take(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        chunks.length = 0;
        body.off('data', take);
        body.pause();
        reject(asError(error));
      }
    };
    body.on('data', take);
    // Also notices a stream that failed or was cut before anybody listened.
    finished(body, { writable: false }, (error) => {
      if (error) reject(new InputError('request.malformed', CUT_OFF, { cause: error }));
      else resolve(Buffer.concat(chunks, receivedBytes));
    });
  });
}

/** `what` follows "The request body". */
export const bodyTooLarge = (what: string, limitBytes: number): InputError =>
  new InputError(
    'request.body_too_large',
    `The request body ${what}; allowed are ${limitBytes} bytes, images included. The operator can raise body_size_limit_bytes (TAKEOFF_BODY_SIZE_LIMIT_BYTES).`,
    { details: { setting: 'body_size_limit_bytes', allowed: limitBytes } },
  );

const CUT_OFF = 'The connection ended before the whole request body had arrived.';

const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Defect('A body failed without an error.', { cause: thrown });

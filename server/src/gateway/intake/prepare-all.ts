// All images of a request. The first that fails fails the request and ends the work on the others; its error names the prompt.
import { CapacityError, InputError, type TakeoffError } from '../../errors.js';
import type { ImagePayload } from '../../link/requests/messages.js';
import type { ImageSource } from './image-source.js';
import type { ImageUse, Intake } from './intake.js';

/** Images of one request at the same time, so that one request cannot take all slots of the fetcher and all decoders. */
const AT_ONCE = 4;

/** The images in the order of their sources. Fails with what `prepare` fails with; nothing runs on when it has settled. */
export async function prepareAll(
  intake: Intake,
  sources: readonly ImageSource[],
  use: ImageUse,
  signal: AbortSignal,
): Promise<readonly ImagePayload[]> {
  const payloads: ImagePayload[] = [];
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const rest = sources.entries();
  const work = async (): Promise<void> => {
    for (const [index, source] of rest) {
      try {
        payloads[index] = await intake.prepare(source, use, stop);
      } catch (error) {
        // Only the first reason is kept: what the others then end with is their cancellation.
        failed.abort(signal.aborted ? signal.reason : naming(source, error));
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, sources.length) }, work));
  failed.signal.throwIfAborted();
  return payloads;
}

function naming(source: ImageSource, error: unknown): unknown {
  const { place } = source;
  if (place === undefined) return error;
  const said = (known: TakeoffError): string => `${place}: ${known.message}`;
  const about = { cause: error, details: { field: place } };
  if (error instanceof InputError) return new InputError(error.code, said(error), about);
  if (error instanceof CapacityError)
    return new CapacityError(error.code, said(error), error.retryAfterMs, about);
  return error;
}

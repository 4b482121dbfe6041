// Answers a request from a reader of its group, and from another one, or the same one started again, when the first died before
// it said anything. Once only: a request that kills readers must not go round. Ends what is interrupted with error events.
import { CapacityError } from '../../errors.js';
import type { RequestEvent } from '../../link/requests/messages.js';
import { explainInterruption, type Explainable } from './interruption-error.js';
import { relay, type RelayOptions } from './relay.js';

const MAX_ATTEMPTS = 2;

/** @throws InputError, CapacityError, ReaderError when no reader takes the request, before its first event */
export async function* relayWithReplacement(
  options: RelayOptions,
): AsyncGenerator<RequestEvent, void, undefined> {
  const { submission, shutdown } = options;
  const { requestId } = submission.message;
  let lost: Explainable | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const end = yield* relay(options);
    if (end.kind === 'complete' || end.by.kind === 'client-gone') return;
    const { by, openPrompts } = end;
    if (by.kind === 'lost' && !end.hadEvents && attempt < MAX_ATTEMPTS && !shutdown.aborted) {
      lost = by;
      continue;
    }
    if (by.kind !== 'refused') yield* errorEvents(requestId, openPrompts, by);
    // That its reader died says more than that no other came.
    else if (lost !== undefined && by.error instanceof CapacityError)
      yield* errorEvents(requestId, openPrompts, lost);
    else throw by.error;
    return;
  }
}

function* errorEvents(
  requestId: string,
  prompts: readonly number[],
  by: Explainable,
): Generator<RequestEvent, void, undefined> {
  const explanation = explainInterruption(by);
  for (const prompt of prompts) yield { kind: 'error', requestId, prompt, ...explanation };
}

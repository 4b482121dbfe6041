// Answers a request from a reader of its group, and from another one, or the same one started again, when the first died before
// anything was shown. Ends what is interrupted with error events. That a request which kills readers does not go round for ever is
// the guard's work (guarded-group.ts); the number of attempts is bounded here all the same.
import { CapacityError } from '../../errors.js';
import type { RequestEvent } from '../../link/requests/messages.js';
import { explainInterruption, type Explainable } from './interruption-error.js';
import { relay, type RelayOptions } from './relay.js';

/** In company, among suspects, alone with the reader; after that the guard refuses it. */
const MAX_ATTEMPTS = 4;

export interface ReplacementOptions extends RelayOptions {
  /**
   * Forgets all events so far, because others take their place. Null where they have been shown: then a reader that dies after the
   * first event is not replaced.
   */
  readonly takeBack: (() => void) | null;
}

/** @throws InputError, CapacityError, ReaderError when no reader takes the request */
export async function* relayWithReplacement(
  options: ReplacementOptions,
): AsyncGenerator<RequestEvent, void, undefined> {
  const { submission, shutdown, takeBack } = options;
  const { requestId } = submission.message;
  let lost: Explainable | undefined;
  for (let attempt = 1; ; attempt += 1) {
    const end = yield* relay(options);
    if (end.kind === 'complete' || end.by.kind === 'client-gone') return;
    const { by, openPrompts, hadEvents } = end;
    const canBeginAnew = !hadEvents || takeBack !== null;
    if (by.kind === 'lost' && canBeginAnew && attempt < MAX_ATTEMPTS && !shutdown.isRaised) {
      if (hadEvents) takeBack?.();
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

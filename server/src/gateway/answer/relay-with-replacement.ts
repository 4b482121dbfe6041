// Answers a request from a reader of its group, and from another one, or the same one started again, when the first died before
// it said anything. Once only: a request that kills readers must not go round. Ends what is interrupted with error events.
import type { ReaderCard } from '../../link/lifecycle/messages.js';
import type { GenerateMessage, RequestEvent } from '../../link/requests/messages.js';
import type { Interruption } from './event-queue.js';
import { explainInterruption } from './interruption-error.js';
import type { ReaderRegistry } from '../readers/registry.js';
import { relay } from './relay.js';
import type { StallLimits } from './stall-watchdog.js';

export interface ReplacementOptions {
  readonly registry: ReaderRegistry;
  readonly group: string;
  /** The model that the images of the message were prepared for. */
  readonly preparedFor: ReaderCard;
  readonly message: GenerateMessage;
  readonly limits: StallLimits;
  readonly clientGone: AbortSignal;
  readonly shutdown: AbortSignal;
  /** Fires with either of the two. */
  readonly stopWaiting: AbortSignal;
}

/** Time of a restart with the model in the file cache. */
const REPLACEMENT_TIMEOUT_MS = 30_000;
const MAX_ATTEMPTS = 2;

export async function* relayWithReplacement(
  options: ReplacementOptions,
): AsyncGenerator<RequestEvent, void, undefined> {
  const { registry, group, preparedFor, message, limits, clientGone, shutdown, stopWaiting } = options;
  // Another model of the group may see images differently.
  const vision = JSON.stringify(preparedFor.vision);
  const accepts = (card: ReaderCard): boolean => JSON.stringify(card.vision) === vision;
  for (let attempt = 1; ; attempt += 1) {
    const reader = await registry.waitForLive(group, accepts, REPLACEMENT_TIMEOUT_MS, stopWaiting);
    if (clientGone.aborted) return;
    if (reader === undefined) {
      const by: Interruption = shutdown.aborted ? { kind: 'shutdown' } : { kind: 'lost', reason: 'no other' };
      yield* errorEvents(message.requestId, [...message.prompts.keys()], by);
      return;
    }
    const end = yield* relay({ target: reader.supervisor, message, limits, clientGone, shutdown });
    if (end.kind === 'complete') return;
    const canTryAgain = end.by.kind === 'lost' && !end.hadEvents && attempt < MAX_ATTEMPTS;
    if (canTryAgain && !shutdown.aborted) continue;
    yield* errorEvents(message.requestId, end.openPrompts, end.by);
    return;
  }
}

function* errorEvents(
  requestId: string,
  prompts: readonly number[],
  by: Interruption,
): Generator<RequestEvent, void, undefined> {
  if (by.kind === 'client-gone') return;
  const explanation = explainInterruption(by);
  for (const prompt of prompts) yield { kind: 'error', requestId, prompt, ...explanation };
}

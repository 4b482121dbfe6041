// The port through which the request path reaches the readers of a consumer group, wherever these run. Child processes under
// supervision are one implementation (readers/); a queue between machines can be another. Everything above the port (admission,
// images, relaying, watching for stalls) knows groups only, never a reader.
import { CapacityError, ReaderError, type InputError } from '../../errors.js';
import type { GenerateMessage, RequestEvent } from '../../link/requests/messages.js';
import { unknownLora } from '../../link/requests/unknown-lora.js';
import { visionKeyOf, type ImageForm } from '../../model/description.js';

/** How a model sees images. */
export interface Vision {
  readonly settings: ImageForm;
  /** Names these settings: equal for equal ones, whichever reader has them. */
  readonly key: string;
}

/** To be called once for each reader, when its card arrives. */
export const identifyVision = (settings: ImageForm): Vision => ({
  settings,
  key: visionKeyOf(settings),
});

/** A request for one reader of the group. */
export interface Submission {
  readonly message: GenerateMessage;
  /** Key of the vision that its images were prepared for: only readers with this one take it. Null: it has no images. */
  readonly preparedFor: string | null;
}

/** The end of a reader that was working: one object, handed to all requests that it took along. */
export interface ReaderDeath {
  /** For the log. */
  readonly reason: string;
  /** All requests that it had begun and not ended. */
  readonly requestIds: readonly string[];
}

/** How an attempt at a request ended while some of its prompts had not. */
export type AttemptEnd =
  /** The reader that worked on it is gone. All requests of one death are told before anything else happens. */
  | { readonly kind: 'lost'; readonly death: ReaderDeath }
  /** No reader has begun it, and none will. */
  | { readonly kind: 'refused'; readonly error: InputError | CapacityError | ReaderError }
  /** It was cancelled before a reader had begun it. */
  | { readonly kind: 'cancelled' };

/** Who waits for the events of a submission. */
export interface SubmissionListener {
  /** One call an event, in order. Each prompt has one terminal event, its last, unless `onEnd` comes instead. */
  onEvent(event: RequestEvent): void;
  /** Called once, when prompts are open that will get no events any more. */
  onEnd(end: AttemptEnd): void;
}

export type CancelReason =
  /** Nobody waits for the answer any more. */
  | 'unwanted'
  /** Its answer had begun and then did not go on: its reader may hang. */
  | 'stalled';

export interface ConsumerGroup {
  readonly name: string;
  /** What `vision` would resolve with at once; undefined where it would wait or throw. */
  knownVision(loraId: string | null): Vision | null | undefined;
  /**
   * What images must be prepared for; null when no model of the group takes any. Waits where requests may wait for a first reader.
   * @param loraId an adapter that the reader must have; null or absent: none
   * @throws InputError request.unknown_lora when no reader of the group has it
   * @throws CapacityError group.unavailable when the group cannot take requests now
   * @throws ReaderError group.failed when it never will
   * @throws an AbortError when the signal fires
   */
  vision(signal: AbortSignal, loraId?: string | null): Promise<Vision | null>;
  /**
   * Hands the request to one reader, now or as soon as there is one. Nothing is called back before it has returned. The id of its
   * message is free again after the last call of the listener.
   */
  submit(submission: Submission, listener: SubmissionListener): void;
  /** Ends the work on a request. Its listener still hears the end: terminal events of what has begun, `onEnd` otherwise. */
  cancel(requestId: string, reason: CancelReason): void;
  view(): GroupView;
}

/** The answer of a group that can never take requests; `failure`: the code of why. The reason itself may name files: it is for the operator. */
export const groupFailed = (name: string, failure: string): ReaderError =>
  new ReaderError(
    'group.failed',
    `The model of consumer group ${JSON.stringify(name)} cannot be served (${failure}). The operator must act: the server's log and /status on its management port have the reason.`,
  );

const RETRY_AFTER_MS = 1_000;

export const unknownGroup = (name: string): CapacityError =>
  new CapacityError(
    'group.unavailable',
    `No reader serves consumer group ${JSON.stringify(name)}. /status lists the groups of this server.`,
    RETRY_AFTER_MS,
  );

export const groupNotReady = (name: string): CapacityError =>
  new CapacityError(
    'group.unavailable',
    `No reader of consumer group ${JSON.stringify(name)} is live at this moment. /status shows when one is.`,
    RETRY_AFTER_MS,
  );

/** @param loras that the readers of the group have */
export const groupLacksLora = (group: string, loraId: string, loras: readonly string[]): InputError =>
  unknownLora(`consumer group ${JSON.stringify(group)}`, loraId, loras);

export interface ConsumerGroups {
  find(name: string): ConsumerGroup | undefined;
}

/** A group as status pages show it. */
export interface GroupView {
  readonly name: string;
  /** Whether a reader takes requests at this moment. */
  readonly isReady: boolean;
  /** The code of what keeps every reader from ever taking requests; null while one may. */
  readonly failure: string | null;
  /** Readers in any state; none in a reserved group that nobody serves yet. */
  readonly readerCount: number;
}

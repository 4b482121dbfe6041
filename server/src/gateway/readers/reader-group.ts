// The readers of one consumer group on this machine, behind the port of the request path: which of them takes a request, and which
// requests wait until one can. Starting, watching and ending readers is their supervisors' work.
import { CapacityError } from '../../errors.js';
import type { GenerateMessage } from '../../link/requests/messages.js';
import type {
  CancelReason,
  ConsumerGroup,
  GroupView,
  Submission,
  SubmissionListener,
  Vision,
} from '../answer/consumer-group.js';
import type { ReaderState } from './reader-state.js';

/** What a group needs of its readers. */
export interface GroupMember {
  readonly state: ReaderState;
  /** Prompts that it has and that have not ended. */
  readonly openPrompts: number;
  /** To be called while it is live only. */
  generate(message: GenerateMessage, listener: SubmissionListener): void;
  /** Does nothing when the reader does not have the request. */
  cancel(requestId: string, reason: CancelReason): void;
}

export interface ReaderGroupOptions {
  readonly name: string;
  /** Null: a group in which no reader has been live yet refuses requests. Otherwise they wait for its first reader this long. */
  readonly reservedWaitMs: number | null;
}

interface WaitingRequest {
  readonly submission: Submission;
  readonly listener: SubmissionListener;
  readonly timer: NodeJS.Timeout;
}

/** How long a request waits for a reader that comes back: the time of a restart with the model in the file cache. */
const RETURN_WAIT_MS = 30_000;
const RETRY_AFTER_MS = 1_000;

export class ReaderGroup implements ConsumerGroup {
  readonly name: string;
  readonly #reservedWaitMs: number | null;
  readonly #members = new Set<GroupMember>();
  /** By id, in the order in which they came. */
  readonly #waiting = new Map<string, WaitingRequest>();
  readonly #visionWaiters = new Set<() => void>();
  /** Of the reader that was live last; undefined while none has been. */
  #lastVision: Vision | null | undefined;

  constructor({ name, reservedWaitMs }: ReaderGroupOptions) {
    this.name = name;
    this.#reservedWaitMs = reservedWaitMs;
  }

  add(member: GroupMember): void {
    this.#members.add(member);
  }

  /** To be called after every change of a member's state. */
  memberChanged(): void {
    const vision = this.#liveVision();
    if (vision !== undefined) this.#lastVision = vision;
    for (const look of [...this.#visionWaiters]) look();
    this.#serveWaiting();
  }

  view(): GroupView {
    return { name: this.name, isReady: this.#pick(null) !== undefined };
  }

  async vision(signal: AbortSignal): Promise<Vision | null> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#visionWaiters.delete(look);
        outcome();
      };
      const look = (): void => {
        const vision = this.#liveVision() ?? this.#lastVision;
        if (vision !== undefined) settle(() => resolve(vision));
        else if (!this.#mayWait()) giveUp();
      };
      const giveUp = (): void => settle(() => reject(this.#unavailable()));
      const onAbort = (): void =>
        settle(() => reject(new DOMException('Nobody waits any more.', 'AbortError')));
      const timer = setTimeout(giveUp, this.#waitMs());
      signal.addEventListener('abort', onAbort);
      this.#visionWaiters.add(look);
      look();
    });
  }

  submit(submission: Submission, listener: SubmissionListener): void {
    const { message, preparedFor } = submission;
    const reader = this.#pick(preparedFor);
    if (reader !== undefined) {
      reader.generate(message, listener);
      return;
    }
    const timer = setTimeout(() => this.#refuse(message.requestId), this.#waitMs());
    this.#waiting.set(message.requestId, { submission, listener, timer });
    // The listener is never called before `submit` has returned.
    if (!this.#mayWait()) queueMicrotask(() => this.#serveWaiting());
  }

  cancel(requestId: string, reason: CancelReason): void {
    if (this.#stopWaiting(requestId) !== undefined) return;
    for (const member of this.#members) member.cancel(requestId, reason);
  }

  /** The live reader with the fewest open prompts that takes images prepared for this vision; any of them for null. */
  #pick(preparedFor: string | null): GroupMember | undefined {
    let best: GroupMember | undefined;
    for (const member of this.#members) {
      const { state, openPrompts } = member;
      if (state.kind !== 'live') continue;
      if (preparedFor !== null && state.vision?.key !== preparedFor) continue;
      if (best === undefined || openPrompts < best.openPrompts) best = member;
    }
    return best;
  }

  /** Of the reader with the fewest open prompts among those that take images; null when live ones take none. */
  #liveVision(): Vision | null | undefined {
    let best: { readonly vision: Vision; readonly openPrompts: number } | undefined;
    let isLive = false;
    for (const { state, openPrompts } of this.#members) {
      if (state.kind !== 'live') continue;
      isLive = true;
      const { vision } = state;
      if (vision !== null && (best === undefined || openPrompts < best.openPrompts))
        best = { vision, openPrompts };
    }
    return best?.vision ?? (isLive ? null : undefined);
  }

  #serveWaiting(): void {
    for (const [requestId, { submission }] of [...this.#waiting]) {
      const reader = this.#pick(submission.preparedFor);
      if (reader === undefined) {
        if (!this.#mayWait()) this.#refuse(requestId);
        continue;
      }
      const request = this.#stopWaiting(requestId);
      if (request !== undefined) reader.generate(submission.message, request.listener);
    }
  }

  #refuse(requestId: string): void {
    this.#stopWaiting(requestId)?.listener.onEnd({ kind: 'refused', error: this.#unavailable() });
  }

  #stopWaiting(requestId: string): WaitingRequest | undefined {
    const request = this.#waiting.get(requestId);
    clearTimeout(request?.timer);
    this.#waiting.delete(requestId);
    return request;
  }

  #mayWait(): boolean {
    return this.#reservedWaitMs !== null || this.#lastVision !== undefined;
  }

  #waitMs(): number {
    return this.#reservedWaitMs ?? RETURN_WAIT_MS;
  }

  #unavailable(): CapacityError {
    return new CapacityError(
      'group.unavailable',
      `The reader of consumer group ${JSON.stringify(this.name)} is not ready to process requests yet. /status shows when it is live.`,
      RETRY_AFTER_MS,
    );
  }
}

// The readers of one consumer group on this machine, behind the port of the request path: which of them takes a request, and which
// requests wait until one can. Starting, watching and ending readers is their supervisors' work.
import { CapacityError, type InputError, type ReaderError } from '../../errors.js';
import type { GenerateMessage } from '../../link/requests/messages.js';
import type { Question } from '../../link/requests/questions.js';
import {
  groupFailed,
  groupLacksLora,
  type CancelReason,
  type ConsumerGroup,
  type GroupView,
  type Submission,
  type SubmissionListener,
  type Vision,
} from '../answer/consumer-group.js';
import type { AnswerTo, QuestionOf } from '../answer/reader-questions.js';
import { VisionWaiters } from '../answer/vision-waiters.js';
import { mayBecomeLive, type ReaderState } from './reader-state.js';

/** What a group needs of its readers. */
export interface GroupMember {
  readonly state: ReaderState;
  /** Prompts that it has and that have not ended. */
  readonly openPrompts: number;
  /** Whether requests wait for it while it comes back after its end. */
  readonly buffersRequests: boolean;
  /** Adapters that requests may name once it is live. */
  readonly loras: readonly string[];
  /** To be called while it is live only. */
  generate(message: GenerateMessage, listener: SubmissionListener): void;
  /** Does nothing when the reader does not have the request. */
  cancel(requestId: string, reason: CancelReason): void;
  ask<Kind extends Question['kind']>(question: QuestionOf<Kind>): Promise<AnswerTo<Kind>>;
}

export interface ReaderGroupOptions {
  readonly name: string;
  /** Null: a group in which no reader has been live yet refuses requests. Otherwise they wait for its first reader this long. */
  readonly reservedWaitMs: number | null;
}

/** What a request asks of the reader that takes it. */
interface Need {
  /** The vision that its images were prepared for; null: it has none. */
  readonly preparedFor: string | null;
  readonly loraId: string | null;
}

const ANY_READER: Need = { preparedFor: null, loraId: null };

const needOf = ({ message, preparedFor }: Submission): Need => ({ preparedFor, loraId: message.loraId });

interface WaitingRequest {
  readonly submission: Submission;
  readonly listener: SubmissionListener;
  readonly timer: NodeJS.Timeout;
}

/** How long a request waits for a reader that comes back: the time of a restart with the model in the file cache. */
export const RETURN_WAIT_MS = 30_000;
const RETRY_AFTER_MS = 1_000;

export class ReaderGroup implements ConsumerGroup {
  readonly name: string;
  readonly #reservedWaitMs: number | null;
  readonly #members = new Set<GroupMember>();
  /** By id, in the order in which they came. */
  readonly #waiting = new Map<string, WaitingRequest>();
  readonly #visionWaiters = new VisionWaiters();
  /** Who has the requests that were handed on, by their ids: it may have left the group since. */
  readonly #holders = new Map<string, GroupMember>();
  /** Of the reader that was live last; undefined while none has been that may come back. */
  #lastVision: Vision | null | undefined;

  constructor({ name, reservedWaitMs }: ReaderGroupOptions) {
    this.name = name;
    this.#reservedWaitMs = reservedWaitMs;
  }

  add(member: GroupMember): void {
    this.#members.add(member);
    this.memberChanged();
  }

  remove(member: GroupMember): void {
    this.#members.delete(member);
    this.memberChanged();
  }

  /** Whether nobody misses the group: it has no reader, and its name is not reserved. */
  get isDisposable(): boolean {
    return this.#members.size === 0 && this.#reservedWaitMs === null;
  }

  /** To be called after every change of a member's state. */
  memberChanged(): void {
    // When the last reader is gone, the next one will be the first.
    if (!this.#hasHope()) this.#lastVision = undefined;
    const vision = this.#liveVision(null);
    if (vision !== undefined) this.#lastVision = vision;
    this.#visionWaiters.lookAgain();
    this.#serveWaiting();
  }

  view(): GroupView {
    return {
      name: this.name,
      isReady: this.#pick(ANY_READER) !== undefined,
      failure: this.#failure() ?? null,
      readerCount: this.#members.size,
    };
  }

  /** Asks the live reader with the adapter that has least to do. @throws as `ReaderQuestions` */
  async ask<Kind extends Question['kind']>(
    question: QuestionOf<Kind>,
    loraId: string | null = null,
  ): Promise<AnswerTo<Kind>> {
    const reader = this.#pick({ ...ANY_READER, loraId });
    if (reader === undefined) throw this.#unavailable(loraId);
    return reader.ask(question);
  }

  knownVision(loraId: string | null): Vision | null | undefined {
    if (this.#lacks(loraId)) return undefined;
    const live = this.#liveVision(loraId);
    return live === undefined ? this.#lastVision : live;
  }

  vision(signal: AbortSignal, loraId: string | null = null): Promise<Vision | null> {
    return this.#visionWaiters.wait(signal, {
      vision: () => this.knownVision(loraId),
      mayWait: () => !this.#lacks(loraId) && this.#mayWait(loraId),
      waitMs: () => this.#waitMs(),
      unavailable: () => this.#unavailable(loraId),
    });
  }

  submit(submission: Submission, listener: SubmissionListener): void {
    const { message } = submission;
    const reader = this.#pick(needOf(submission));
    if (reader !== undefined) {
      this.#handOn(reader, message, listener);
      return;
    }
    const timer = setTimeout(() => this.#refuse(message.requestId), this.#waitMs());
    this.#waiting.set(message.requestId, { submission, listener, timer });
    // The listener is never called before `submit` has returned.
    if (!this.#mayWait(message.loraId)) queueMicrotask(() => this.#serveWaiting());
  }

  cancel(requestId: string, reason: CancelReason): void {
    const waited = this.#stopWaiting(requestId);
    if (waited !== undefined) {
      waited.listener.onEnd({ kind: 'cancelled' });
      return;
    }
    this.#holders.get(requestId)?.cancel(requestId, reason);
  }

  #handOn(reader: GroupMember, message: GenerateMessage, listener: SubmissionListener): void {
    const { requestId } = message;
    const open = new Set(message.prompts.keys());
    this.#holders.set(requestId, reader);
    reader.generate(message, {
      onEvent: (event) => {
        if (event.kind !== 'token') open.delete(event.prompt);
        if (open.size === 0) this.#holders.delete(requestId);
        listener.onEvent(event);
      },
      onEnd: (end) => {
        this.#holders.delete(requestId);
        listener.onEnd(end);
      },
    });
  }

  /** The live reader with the fewest open prompts among those that can take the request. */
  #pick({ preparedFor, loraId }: Need): GroupMember | undefined {
    let best: GroupMember | undefined;
    for (const member of this.#members) {
      const { state, openPrompts } = member;
      if (state.kind !== 'live' || !hasLora(member, loraId)) continue;
      if (preparedFor !== null && state.vision?.key !== preparedFor) continue;
      if (best === undefined || openPrompts < best.openPrompts) best = member;
    }
    return best;
  }

  /** Of the reader with the fewest open prompts among those that have the adapter and take images; null when live ones take none. */
  #liveVision(loraId: string | null): Vision | null | undefined {
    let best: { readonly vision: Vision; readonly openPrompts: number } | undefined;
    let isLive = false;
    for (const member of this.#members) {
      const { state, openPrompts } = member;
      if (state.kind !== 'live' || !hasLora(member, loraId)) continue;
      isLive = true;
      const { vision } = state;
      if (vision !== null && (best === undefined || openPrompts < best.openPrompts))
        best = { vision, openPrompts };
    }
    return best?.vision ?? (isLive ? null : undefined);
  }

  #serveWaiting(): void {
    for (const [requestId, { submission }] of [...this.#waiting]) {
      const reader = this.#pick(needOf(submission));
      if (reader === undefined) {
        if (!this.#mayWait(submission.message.loraId)) this.#refuse(requestId);
        continue;
      }
      const request = this.#stopWaiting(requestId);
      if (request !== undefined) this.#handOn(reader, submission.message, request.listener);
    }
  }

  #refuse(requestId: string): void {
    const request = this.#stopWaiting(requestId);
    const error = this.#unavailable(request?.submission.message.loraId ?? null);
    request?.listener.onEnd({ kind: 'refused', error });
  }

  #stopWaiting(requestId: string): WaitingRequest | undefined {
    const request = this.#waiting.get(requestId);
    clearTimeout(request?.timer);
    this.#waiting.delete(requestId);
    return request;
  }

  /** Whether requests for which there is no reader at this moment wait for one. */
  #mayWait(loraId: string | null): boolean {
    if (this.#failure() !== undefined || this.#lacks(loraId)) return false;
    if (this.#reservedWaitMs !== null) return true;
    return this.#lastVision !== undefined && this.#isBuffered(loraId);
  }

  /** Whether a reader comes back, or is there, for which requests wait. */
  #isBuffered(loraId: string | null): boolean {
    return [...this.#members].some(
      (member) => member.buffersRequests && mayBecomeLive(member.state) && hasLora(member, loraId),
    );
  }

  /** Whether there are readers, or will be, and none of them has the adapter. */
  #lacks(loraId: string | null): boolean {
    if (loraId === null || !this.#hasHope()) return false;
    return ![...this.#members].some((member) => mayBecomeLive(member.state) && hasLora(member, loraId));
  }

  #hasHope(): boolean {
    return [...this.#members].some(({ state }) => mayBecomeLive(state));
  }

  /** The code of what keeps every reader from becoming live; undefined while one may. */
  #failure(): string | undefined {
    if (this.#hasHope()) return undefined;
    for (const { state } of this.#members) if (state.kind === 'dead') return state.code;
    return undefined;
  }

  /** Of all readers that are live or may be, each once. */
  #loras(): string[] {
    const usable = [...this.#members].filter(({ state }) => mayBecomeLive(state));
    return [...new Set(usable.flatMap(({ loras }) => loras))];
  }

  #waitMs(): number {
    return this.#reservedWaitMs ?? RETURN_WAIT_MS;
  }

  #unavailable(loraId: string | null): InputError | CapacityError | ReaderError {
    if (loraId !== null && this.#lacks(loraId)) return groupLacksLora(this.name, loraId, this.#loras());
    const failure = this.#failure();
    if (failure !== undefined) return groupFailed(this.name, failure);
    const name = JSON.stringify(this.name);
    const why = !this.#hasHope()
      ? `No reader serves consumer group ${name} at this moment. /status shows when one is live.`
      : this.#lastVision === undefined
        ? `The reader of consumer group ${name} is not ready to process requests yet. /status shows when it is live.`
        : `The reader of consumer group ${name} ended and was not back within ${this.#waitMs()} ms. /status shows when it is live.`;
    return new CapacityError('group.unavailable', why, RETRY_AFTER_MS);
  }
}

const hasLora = ({ loras }: GroupMember, loraId: string | null): boolean =>
  loraId === null || loras.includes(loraId);

// A consumer group whose readers are on other machines, behind the port of the request path. Keeps every request whole until a reader has
// begun it and submits it again when Redis lost it; shows the events of one run alone; ends what a dead reader or a lost Redis leaves
// open. Whatever happens, each prompt ends once.
import { InputError, type CapacityError, type ReaderError } from '../../errors.js';
import type { RequestEvent } from '../../link/requests/messages.js';
import type { Question } from '../../link/requests/questions.js';
import { OUTAGE_MS } from '../../link/redis/leases.js';
import { parseEvents, type BackReason, type Control, type EventItem } from '../../link/redis/messages.js';
import { isRedisTrouble, isRefusal, RedisUnreachable } from '../../link/redis/redis-connection.js';
import {
  unknownGroup,
  groupLacksLora,
  type ConsumerGroup,
  type GroupView,
  type ReaderDeath,
  type Submission,
  type SubmissionListener,
  type Vision,
} from '../answer/consumer-group.js';
import type { AnswerTo, QuestionOf } from '../answer/reader-questions.js';
import type { LinkCounts } from '../readers/readers-view.js';
import { VisionWaiters } from '../answer/vision-waiters.js';
import { BegunRuns } from './begun-runs.js';
import { GroupReaders } from './group-readers.js';
import type { GroupQueue, Place } from './group-queue.js';
import { placeRequest, type Placement } from './placement.js';
import { diedTwice, lostTooOften, MAX_SUBMISSIONS, notLiveYet, queueFull } from './refusals.js';
import { CUT_OFF, RemoteRequest } from './remote-request.js';

export interface RemoteGroupOptions {
  readonly name: string;
  readonly queue: GroupQueue;
  /** Null: while no reader has been live, requests are refused. Otherwise they wait for the first this long. */
  readonly reservedWaitMs: number | null;
  readonly onWarning: (message: string) => void;
}

/** How long a request waits for a reader when all are gone: as on one machine. */
const RETURN_WAIT_MS = 30_000;
/** A reader that has what a placed request is about takes it at once, or is not as free as it said. */
const PLACED_MS = 150;
/** Requests that wait for longer are looked after. */
const CHECK_AFTER_MS = 1_000;

export class RemoteGroup implements ConsumerGroup {
  readonly name: string;
  readonly readers = new GroupReaders();
  readonly #options: RemoteGroupOptions;
  /** All that are not over, by request id. */
  readonly #requests = new Map<string, RemoteRequest>();
  /** Those of them that have begun. */
  readonly #runs: BegunRuns;
  readonly #visionWaiters = new VisionWaiters();
  #lastVision: Vision | null | undefined;
  #lastLiveMs = -Infinity;
  #isReachable = false;
  readonly #totals = { placed: 0, shared: 0, resubmitted: 0, gaps: 0, unknownRuns: 0, badMessages: 0 };
  #queued = 0;

  constructor(options: RemoteGroupOptions) {
    this.name = options.name;
    this.#options = options;
    const { gateway } = options.queue;
    this.#runs = new BegunRuns({ gateway, control: (reader, message) => this.#control(reader, message) });
  }

  get isDisposable(): boolean {
    const { reservedWaitMs } = this.#options;
    return reservedWaitMs === null && this.readers.all.length === 0 && this.#requests.size === 0;
  }

  view(): GroupView {
    return {
      name: this.name,
      isReady: this.#isReachable && this.readers.live.length > 0,
      failure: null,
      readerCount: this.readers.all.length,
    };
  }

  get counts(): LinkCounts {
    const oldestWaitMs = Math.max(0, ...[...this.#requests.values()].map(({ waitMs }) => waitMs));
    return { consumerGroup: this.name, queued: this.#queued, oldestWaitMs, ...this.#totals };
  }

  knownVision(loraId: string | null): Vision | null | undefined {
    const { vision } = this.readers;
    if (this.#lacks(loraId)) return undefined;
    return vision === undefined && this.#mayWait() ? this.#lastVision : vision;
  }

  vision(signal: AbortSignal, loraId: string | null = null): Promise<Vision | null> {
    return this.#visionWaiters.wait(signal, {
      vision: () => this.knownVision(loraId),
      mayWait: () => !this.#lacks(loraId) && this.#mayWait(),
      waitMs: () => this.#options.reservedWaitMs ?? RETURN_WAIT_MS,
      unavailable: () => this.#unavailable(loraId),
    });
  }

  submit(submission: Submission, listener: SubmissionListener): void {
    const request = new RemoteRequest(submission, listener);
    this.#requests.set(request.requestId, request);
    void this.#send(request);
  }

  cancel(requestId: string): void {
    const request = this.#requests.get(requestId);
    if (request === undefined) return;
    const { stage } = request;
    if (stage.kind === 'begun') {
      request.cancelledMs = performance.now();
      this.#control(stage.reader, { kind: 'cancel-run', run: stage.run });
      return;
    }
    if (stage.kind === 'waiting') void this.#withdraw(stage.stream, stage.entry, requestId);
    request.end({ kind: 'cancelled' });
    this.#settle(request);
  }

  /** Asks the live reader that has least to do among those with the adapter. @throws as `ReaderQuestions` */
  async ask<Kind extends Question['kind']>(
    question: QuestionOf<Kind>,
    loraId: string | null,
  ): Promise<AnswerTo<Kind>> {
    const reader = this.readers.leastBusy(loraId);
    if (reader === undefined) throw this.#unavailable(loraId);
    return this.askReader(reader.name, question);
  }

  /** @throws as `ReaderQuestions` */
  async askReader<Kind extends Question['kind']>(
    name: string,
    question: QuestionOf<Kind>,
  ): Promise<AnswerTo<Kind>> {
    const { queue } = this.#options;
    if (!this.#isReachable) throw this.#unavailable();
    const answer = await this.readers.ask(name, question, (ask) =>
      this.#control(name, { kind: 'ask', gateway: queue.gateway, ask }),
    );
    if (answer === undefined) throw this.#unavailable();
    return answer;
  }

  /** What arrived in this gateway's stream; undefined for what is no message. */
  receive(text: string | undefined): void {
    const events = text === undefined ? undefined : parseEvents(text);
    if (events === undefined) {
      this.#totals.badMessages += 1;
      this.#options.onWarning(`a message to this gateway about group ${this.name} cannot be understood`);
      return;
    }
    for (const item of events.items) this.#hear(events.from, item);
  }

  /** What the leases of all readers say, once a second. */
  noteLeases(leases: ReadonlyMap<string, string | null>, mayJudge: boolean): readonly string[] {
    const gone = [...this.readers.update(leases, mayJudge)];
    if (mayJudge) gone.push(...this.#runs.strangers((name) => this.readers.has(name)));
    for (const reader of gone) this.#loseReader(reader);
    const { vision } = this.readers;
    if (vision !== undefined) {
      this.#lastVision = vision;
      this.#lastLiveMs = performance.now();
    }
    this.#visionWaiters.lookAgain();
    return gone;
  }

  /** To be called once a second while Redis answers. @throws RedisUnreachable, RedisRefusal */
  async beat(): Promise<void> {
    const { queue } = this.#options;
    for (const request of this.#requests.values())
      if (request.stage.kind === 'unsent') void this.#send(request);
    for (const request of this.#runs.look()) {
      this.#forget(request);
      request.end({ kind: 'cancelled' });
    }
    if (!this.#mayWait() && this.readers.live.length === 0) this.#refuseWaiting(() => this.#unavailable());
    const waiting = [...this.#requests.values()].flatMap(({ stage, waitMs }) =>
      stage.kind === 'waiting' && waitMs > CHECK_AFTER_MS ? [stage] : [],
    );
    await queue.renew();
    this.#queued = await queue.length();
    if (waiting.length > 0) await queue.check(waiting);
  }

  /** To be called once a second. `downMs`: how long Redis has been away. */
  noteOutage(downMs: number | null): void {
    this.#isReachable = downMs === null;
    if (downMs === null || downMs < OUTAGE_MS) return;
    this.#refuseWaiting(() => new RedisUnreachable(`it has been away for ${Math.round(downMs / 1_000)} s`));
    for (const request of this.#runs.all) {
      request.fail('queue.unreachable', CUT_OFF);
      this.#settle(request);
    }
  }

  async #send(request: RemoteRequest, mayPlace = true): Promise<void> {
    const { queue } = this.#options;
    request.stage = { kind: 'submitting' };
    request.submissions += 1;
    if (request.submissions > 1) this.#totals.resubmitted += 1;
    if (request.submissions > MAX_SUBMISSIONS) {
      this.#refuse(request, lostTooOften());
      return;
    }
    const tiles = request.tiles.map(({ sha256 }) => sha256);
    const { preparedFor, message } = request.submission;
    const { loraId } = message;
    const placement = mayPlace
      ? placeRequest(this.readers.forPlacement, { tiles, preparedFor, loraId })
      : ({ kind: 'shared' } as const);
    const placedAt = placement.kind === 'shared' ? null : placement.reader;
    if (request.tiles.length > 0) this.#totals[placement.kind === 'holder' ? 'placed' : 'shared'] += 1;
    if (placedAt !== null) this.readers.notePlaced(placedAt, request.promptCount);
    try {
      const sent = await queue.submit(request, placedAt, placement.kind !== 'holder');
      if (sent === null) this.#refuse(request, queueFull(this.name));
      else if (request.isSubmitting) this.#wait(request, sent, placement);
      // It was cancelled meanwhile; otherwise its reader was faster than the reply.
      else if (request.isOver) await this.#withdraw(sent.stream, sent.entry, request.requestId);
    } catch (error) {
      this.#noteUnsent(request, error);
    }
  }

  #wait(request: RemoteRequest, sent: Place, placement: Placement): void {
    const placedAt = placement.kind === 'shared' ? null : placement.reader;
    request.stage = { kind: 'waiting', ...sent, placedAt, sinceMs: performance.now() };
    if (placement.kind === 'holder') setTimeout(() => void this.#move(request, sent.entry, false), PLACED_MS);
  }

  /** Nobody knows whether Redis has the request; if it does, what a reader makes of it is refused as that of a run nobody knows. */
  #noteUnsent(request: RemoteRequest, error: unknown): void {
    if (error instanceof InputError) this.#refuse(request, error);
    else if (isRefusal(error, 'OOM')) this.#refuse(request, queueFull(this.name));
    else if (!isRedisTrouble(error)) throw error;
    else if (!request.isSubmitting) return;
    else if (request.submissions === 1 && error instanceof RedisUnreachable) this.#refuse(request, error);
    else request.stage = { kind: 'unsent' };
  }

  /** A placed request that its reader has not taken goes to whoever is free. */
  async #move(request: RemoteRequest, entry: string, isReaderGone: boolean): Promise<void> {
    const { stage } = request;
    if (stage.kind !== 'waiting' || stage.entry !== entry) return;
    try {
      const moved = await this.#options.queue.move(request, stage.stream, entry, isReaderGone);
      if (moved === null) return;
      if (request.isWaitingAs(entry))
        request.stage = { kind: 'waiting', ...moved, placedAt: null, sinceMs: performance.now() };
      else if (request.isOver) await this.#withdraw(moved.stream, moved.entry, request.requestId);
    } catch (error) {
      // The next check finds out whether it is still there.
      if (!isRedisTrouble(error)) throw error;
    }
  }

  async #withdraw(stream: string, entry: string, requestId: string): Promise<void> {
    try {
      await this.#options.queue.cancel(stream, entry, requestId);
    } catch (error) {
      // A reader that begins it is told that nobody knows its run.
      if (!isRedisTrouble(error)) throw error;
    }
  }

  #hear(from: string, item: EventItem): void {
    switch (item.kind) {
      case 'began':
        this.#hearBegan(from, item.requestId, item.run);
        break;
      case 'event':
        this.#hearEvent(from, item.seq, item.event);
        break;
      case 'unknown-runs':
        for (const run of item.runs) this.#losePart(this.#runs.find(run, from));
        break;
      case 'back':
        this.#hearBack(item.requestId, item.entry, item.reason);
        break;
      case 'gone':
        for (const request of [...this.#requests.values()])
          if (item.entries.some((entry) => request.isWaitingAs(entry))) void this.#send(request);
        break;
      case 'reply':
        this.readers.deliver(from, item.reply);
        break;
    }
  }

  #hearEvent(from: string, seq: number, event: RequestEvent): void {
    const run = event.requestId;
    const request = this.#runs.find(run, from);
    if (request === undefined) {
      if (event.kind === 'token') this.#control(from, { kind: 'cancel-run', run });
    } else if (request.hear(seq, event) === 'heard') this.#settle(request);
    else if (this.#runs.askForRest(request)) this.#totals.gaps += 1;
  }

  /** Its reader does not have what it lacks, any more. */
  #losePart(request: RemoteRequest | undefined): void {
    if (request === undefined) return;
    request.fail('reader.died', 'Part of the answer was lost between the reader and the gateway.');
    this.#settle(request);
  }

  #hearBegan(from: string, requestId: string, run: string): void {
    const request = this.#requests.get(requestId);
    if (request?.stage.kind === 'begun' && request.stage.run === run) return;
    if (request === undefined || request.stage.kind === 'begun') {
      this.#refuseRun(from, run);
      return;
    }
    this.#runs.begin(request, run, from);
    this.#options.queue.release(request);
  }

  /** A run that nobody here waits for. */
  #refuseRun(reader: string, run: string): void {
    this.#totals.unknownRuns += 1;
    this.#control(reader, { kind: 'cancel-run', run });
  }

  #hearBack(requestId: string, entry: string, reason: BackReason): void {
    const request = this.#requests.get(requestId);
    if (request?.isWaitingAs(entry) !== true) return;
    if (reason === 'died-twice') this.#refuse(request, diedTwice());
    else void this.#send(request, reason === 'other-vision');
  }

  #loseReader(reader: string): void {
    const lost = this.#runs.of(reader);
    const death: ReaderDeath = {
      reason: `the lease of reader ${reader} ended`,
      requestIds: lost.map(({ requestId }) => requestId),
    };
    // All of them before anything else happens.
    for (const request of lost) this.#forget(request);
    for (const request of lost) request.end({ kind: 'lost', death });
    for (const request of this.#requests.values()) {
      const { stage } = request;
      if (stage.kind === 'waiting' && stage.placedAt === reader) void this.#move(request, stage.entry, true);
    }
  }

  #refuseWaiting(error: () => InputError | CapacityError | ReaderError): void {
    for (const request of [...this.#requests.values()]) {
      const { stage } = request;
      if (stage.kind === 'begun') continue;
      this.#refuse(request, error());
      if (stage.kind === 'waiting') void this.#withdraw(stage.stream, stage.entry, request.requestId);
    }
  }

  #refuse(request: RemoteRequest, error: InputError | CapacityError | ReaderError): void {
    request.end({ kind: 'refused', error });
    this.#settle(request);
  }

  /** Forgets a request that is over. */
  #settle(request: RemoteRequest): void {
    if (request.isOver) this.#forget(request);
  }

  #forget(request: RemoteRequest): void {
    this.#runs.forget(request);
    // The id is free once the listener has heard the last, and may be in use again.
    if (this.#requests.get(request.requestId) === request) this.#requests.delete(request.requestId);
    this.#options.queue.release(request);
  }

  #control(reader: string, message: Control): void {
    void this.#options.queue.control(reader, message);
  }

  /** Whether requests for which there is no reader at this moment wait for one. */
  #mayWait(): boolean {
    if (this.#options.reservedWaitMs !== null) return true;
    return this.readers.all.length > 0 || performance.now() - this.#lastLiveMs < RETURN_WAIT_MS;
  }

  /** Whether readers are live and none has the adapter. */
  #lacks(loraId: string | null): boolean {
    return loraId !== null && this.readers.live.length > 0 && !this.readers.loras.includes(loraId);
  }

  #unavailable(loraId: string | null = null): CapacityError | InputError {
    if (loraId !== null && this.#lacks(loraId)) return groupLacksLora(this.name, loraId, this.readers.loras);
    if (!this.#isReachable) return new RedisUnreachable('there is no connection');
    if (this.readers.all.length === 0) return unknownGroup(this.name);
    return notLiveYet(this.name);
  }
}

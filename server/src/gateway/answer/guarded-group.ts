// A consumer group that one poisonous request cannot keep down. Requests in whose company a reader died are suspects: they are
// handed on one at a time, so that a second death has one culprit and honest companions are not blamed. The culprit is refused for a
// while. Suspicion costs waiting, never an answer: whoever answers is cleared.
import { Defect, InputError } from '../../errors.js';
import type { RequestEvent } from '../../link/requests/messages.js';
import type {
  AttemptEnd,
  CancelReason,
  ConsumerGroup,
  GroupView,
  ReaderDeath,
  Submission,
  SubmissionListener,
  Vision,
} from './consumer-group.js';
import { contentHash } from './content-hash.js';
import { SUSPICION_MS, Suspects, type Verdict } from './suspects.js';

export class GuardedGroup implements ConsumerGroup {
  readonly #group: ConsumerGroup;
  readonly #suspects: Suspects;
  /** All that are not over, by request id. */
  readonly #attempts = new Map<string, Attempt>();
  /** Those of them that wait for their turn, in the order in which they came. */
  readonly #waiting = new Set<Attempt>();
  /** Those of them that were handed on as suspects. */
  readonly #running = new Set<Attempt>();
  /** The one of them that lets no other begin. */
  #turn: Attempt | undefined;
  readonly #notedDeaths = new WeakSet<ReaderDeath>();
  #willServe = false;

  constructor(group: ConsumerGroup, nowMs: () => number = () => performance.now()) {
    this.#group = group;
    this.#suspects = new Suspects(nowMs);
  }

  get name(): string {
    return this.#group.name;
  }

  knownVision(loraId: string | null): Vision | null | undefined {
    return this.#group.knownVision(loraId);
  }

  vision(signal: AbortSignal, loraId: string | null = null): Promise<Vision | null> {
    return this.#group.vision(signal, loraId);
  }

  view(): GroupView {
    return this.#group.view();
  }

  submit(submission: Submission, listener: SubmissionListener): void {
    const attempt = new Attempt(submission, listener);
    this.#attempts.set(attempt.requestId, attempt);
    if (this.#verdictOn(attempt) === 'clear') {
      this.#handOn(attempt);
      return;
    }
    this.#waiting.add(attempt);
    this.#serveSoon();
  }

  cancel(requestId: string, reason: CancelReason): void {
    const attempt = this.#attempts.get(requestId);
    if (attempt === undefined) return;
    if (this.#waiting.delete(attempt)) {
      this.#end(attempt, { kind: 'cancelled' });
      return;
    }
    attempt.isCancelled = true;
    // It may still kill the reader; then the next in turn was not alone with it, and is not blamed.
    this.#passTurn(attempt);
    this.#group.cancel(requestId, reason);
  }

  /** Hashing is left out while no reader has died. */
  #verdictOn(attempt: Attempt): Verdict {
    return this.#suspects.isEmpty ? 'clear' : this.#suspects.verdictOn(attempt.hash);
  }

  /** As a microtask: by then all requests of a death have been told, and nobody is inside `submit` any more. */
  #serveSoon(): void {
    if (this.#willServe || this.#waiting.size === 0) return;
    this.#willServe = true;
    queueMicrotask(() => {
      this.#willServe = false;
      this.#serve();
    });
  }

  #serve(): void {
    let isBlocked = false;
    for (const attempt of [...this.#waiting]) {
      const verdict = this.#verdictOn(attempt);
      // Nobody overtakes a suspect that waits for the others to end, or it would wait for ever.
      if (verdict === 'suspect' || verdict === 'ambiguous') isBlocked ||= !this.#mayBegin(verdict);
      if (isBlocked && verdict !== 'clear' && verdict !== 'guilty') continue;
      this.#waiting.delete(attempt);
      if (verdict === 'guilty') {
        this.#end(attempt, { kind: 'refused', error: crashesReader() });
        continue;
      }
      if (verdict !== 'clear') this.#takeTurn(attempt, verdict === 'ambiguous');
      this.#handOn(attempt);
    }
  }

  #mayBegin(verdict: 'suspect' | 'ambiguous'): boolean {
    return this.#turn === undefined && (verdict === 'suspect' || this.#running.size === 0);
  }

  #takeTurn(attempt: Attempt, isToTheEnd: boolean): void {
    if (this.#turn !== undefined) throw new Defect('Two suspects have their turn at the same time.');
    attempt.keepsTurn = isToTheEnd;
    this.#turn = attempt;
    this.#running.add(attempt);
  }

  #passTurn(attempt: Attempt): void {
    if (this.#turn !== attempt) return;
    this.#turn = undefined;
    this.#serveSoon();
  }

  #handOn(attempt: Attempt): void {
    this.#group.submit(attempt.submission, {
      onEvent: (event) => this.#hear(attempt, event),
      onEnd: (end) => {
        if (end.kind === 'lost') this.#noteDeath(end.death);
        this.#end(attempt, end);
      },
    });
  }

  #hear(attempt: Attempt, event: RequestEvent): void {
    // A reader that has brought it this far is busy with its answer, and another suspect may begin.
    if (!attempt.keepsTurn) this.#passTurn(attempt);
    if (event.kind !== 'token') attempt.openPrompts.delete(event.prompt);
    if (attempt.openPrompts.size === 0) {
      // Not one that was cancelled: sending and cancelling would wash a poisonous request clean.
      if (!attempt.isCancelled && !this.#suspects.isEmpty) this.#suspects.clear(attempt.hash);
      this.#forget(attempt);
    }
    attempt.listener.onEvent(event);
  }

  #end(attempt: Attempt, end: AttemptEnd): void {
    this.#forget(attempt);
    attempt.listener.onEnd(end);
  }

  #forget(attempt: Attempt): void {
    this.#attempts.delete(attempt.requestId);
    this.#running.delete(attempt);
    this.#passTurn(attempt);
    this.#serveSoon();
  }

  /** Once for each death, while all requests that it took along are still known. */
  #noteDeath(death: ReaderDeath): void {
    if (this.#notedDeaths.has(death)) return;
    this.#notedDeaths.add(death);
    const companions = death.requestIds.flatMap((requestId) => this.#attempts.get(requestId) ?? []);
    this.#suspects.noteDeath(new Set(companions.map(({ hash }) => hash)));
  }
}

/** One submission to the group behind the guard. */
class Attempt {
  readonly submission: Submission;
  readonly listener: SubmissionListener;
  readonly openPrompts: Set<number>;
  isCancelled = false;
  /** Whether its turn lasts until it is over; otherwise until its first event. */
  keepsTurn = false;
  #hash: string | undefined;

  constructor(submission: Submission, listener: SubmissionListener) {
    this.submission = submission;
    this.listener = listener;
    this.openPrompts = new Set(submission.message.prompts.keys());
  }

  get requestId(): string {
    return this.submission.message.requestId;
  }

  get hash(): string {
    this.#hash ??= contentHash(this.submission.message);
    return this.#hash;
  }
}

const crashesReader = (): InputError =>
  new InputError(
    'request.crashes_reader',
    `The reader ended more than once while it worked on exactly this request, which is refused for ${SUSPICION_MS / 60_000} minutes. Change the prompt or the image; if it is an honest one, tell the operator, whose log says how the reader ended.`,
  );

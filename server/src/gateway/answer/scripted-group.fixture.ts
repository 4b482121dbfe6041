// For tests only: a group whose every word the test decides, behind the port and without any reader.
import type { RequestEvent } from '../../link/requests/messages.js';
import type {
  AttemptEnd,
  CancelReason,
  ConsumerGroup,
  GroupView,
  Submission,
  SubmissionListener,
  Vision,
} from './consumer-group.js';

export class ScriptedGroup implements ConsumerGroup {
  readonly name = 'primary';
  /** Requests that have not ended, in the order in which they came. */
  readonly open = new Map<string, SubmissionListener>();
  /** All that were submitted, those that have ended included. */
  readonly submitted: Submission[] = [];
  readonly cancelled: { readonly requestId: string; readonly reason: CancelReason }[] = [];

  knownVision(): null {
    return null;
  }

  vision(): Promise<Vision | null> {
    return Promise.resolve(null);
  }

  view(): GroupView {
    return { name: this.name, isReady: true, failure: null, readerCount: 1 };
  }

  submit(submission: Submission, listener: SubmissionListener): void {
    this.submitted.push(submission);
    this.open.set(submission.message.requestId, listener);
  }

  cancel(requestId: string, reason: CancelReason): void {
    this.cancelled.push({ requestId, reason });
  }

  /** Ids of what was submitted since it was asked last. */
  newlySubmitted(): string[] {
    return this.submitted.splice(0).map(({ message }) => message.requestId);
  }

  say(...events: RequestEvent[]): void {
    for (const event of events) this.open.get(event.requestId)?.onEvent(event);
  }

  end(requestId: string, end: AttemptEnd): void {
    const listener = this.open.get(requestId);
    this.open.delete(requestId);
    listener?.onEnd(end);
  }

  /** A reader dies that worked on these requests. */
  die(...requestIds: string[]): void {
    const death = { reason: 'killed', requestIds };
    for (const requestId of requestIds) this.end(requestId, { kind: 'lost', death });
  }
}

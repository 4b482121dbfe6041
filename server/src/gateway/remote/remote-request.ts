// One request of this gateway on its way through Redis: the whole of it stays here until a reader has begun it, so that nothing in Redis
// is precious; then its events are let through in order, once each, from the one run that began.
import { createHash } from 'node:crypto';
import type { ErrorCode } from 'takeoff-wire';
import type { QueuedImage, QueuedRequest } from '../../link/redis/messages.js';
import type { RequestEvent } from '../../link/requests/messages.js';
import type { AttemptEnd, Submission, SubmissionListener } from '../answer/consumer-group.js';

export type RequestStage =
  /** Not in Redis, as far as anybody knows. */
  | { readonly kind: 'unsent' }
  /** Redis has been asked to take it. */
  | { readonly kind: 'submitting' }
  | {
      readonly kind: 'waiting';
      readonly stream: string;
      readonly entry: string;
      /** The reader whose stream it is; null for that of all. */
      readonly placedAt: string | null;
      readonly sinceMs: number;
    }
  | { readonly kind: 'begun'; readonly run: string; readonly reader: string }
  /** The listener has heard the last of it. */
  | { readonly kind: 'over' };

export interface Tiles {
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

export class RemoteRequest {
  readonly submission: Submission;
  readonly withoutImages: QueuedRequest['message'];
  stage: RequestStage = { kind: 'unsent' };
  /** How often Redis was asked to take it. */
  submissions = 0;
  /** By this gateway's clock; null while it is wanted. */
  cancelledMs: number | null = null;
  /** The run that began; null before. */
  run: string | null = null;
  /** When its run was heard of last, by this gateway's clock. */
  heardMs = -Infinity;
  /** When its reader was asked to tell again what is missing, by this gateway's clock. */
  restAskedMs = -Infinity;
  readonly tiles: readonly Tiles[];
  readonly #listener: SubmissionListener;
  readonly #openPrompts: Set<number>;
  #nextSeq = 0;

  constructor(submission: Submission, listener: SubmissionListener) {
    const { images, ...withoutImages } = submission.message;
    this.submission = submission;
    this.withoutImages = withoutImages;
    this.#listener = listener;
    this.#openPrompts = new Set(withoutImages.prompts.keys());
    this.tiles = images.map(({ tiles }) => ({
      sha256: createHash('sha256').update(tiles).digest('hex'),
      bytes: tiles,
    }));
  }

  get requestId(): string {
    return this.submission.message.requestId;
  }

  get promptCount(): number {
    return this.submission.message.prompts.length;
  }

  get isOver(): boolean {
    return this.stage.kind === 'over';
  }

  /** Events of its run that were let through. */
  get heardCount(): number {
    return this.#nextSeq;
  }

  /** How long it has waited in Redis since it was put there last, in milliseconds; 0 where it does not. */
  get waitMs(): number {
    return this.stage.kind === 'waiting' ? performance.now() - this.stage.sinceMs : 0;
  }

  get isSubmitting(): boolean {
    return this.stage.kind === 'submitting';
  }

  /** @param isBeside whether the tiles lie in Redis */
  queuedImages(isBeside: boolean): readonly QueuedImage[] {
    return this.submission.message.images.map(({ sha256, widthPx, heightPx, sidePx, tiles }, index) => ({
      sha256,
      widthPx,
      heightPx,
      sidePx,
      tileBytes: tiles.byteLength,
      tilesSha256: this.tiles[index]?.sha256 ?? '',
      isBeside,
    }));
  }

  isWaitingAs(entry: string): boolean {
    return this.stage.kind === 'waiting' && this.stage.entry === entry;
  }

  /** From now on events of this run are its own. */
  begin(run: string, reader: string): void {
    this.run = run;
    this.heardMs = performance.now();
    this.stage = { kind: 'begun', run, reader };
  }

  /** An event of the run that began. Repeated ones are dropped; `gap`: some are missing, and are to be told before this one. */
  hear(seq: number, event: RequestEvent): 'heard' | 'gap' {
    if (seq < this.#nextSeq || this.isOver) return 'heard';
    if (seq > this.#nextSeq) return 'gap';
    this.#nextSeq += 1;
    this.heardMs = performance.now();
    this.restAskedMs = -Infinity;
    this.#tell({ ...event, requestId: this.requestId });
    return 'heard';
  }

  /** Ends what is open with an error each. */
  fail(code: ErrorCode, message: string): void {
    const { requestId } = this;
    for (const prompt of [...this.#openPrompts])
      this.#tell({ kind: 'error', requestId, prompt, code, message });
  }

  end(end: AttemptEnd): void {
    if (this.isOver) return;
    this.stage = { kind: 'over' };
    this.#listener.onEnd(end);
  }

  #tell(event: RequestEvent): void {
    if (!this.#openPrompts.has(event.prompt)) return;
    if (event.kind !== 'token') this.#openPrompts.delete(event.prompt);
    if (this.#openPrompts.size === 0) this.stage = { kind: 'over' };
    this.#listener.onEvent(this.#explained(event));
  }

  /** A reader that lost sight of this gateway ends its answers as cancelled, though nobody here has asked for it. */
  #explained(event: RequestEvent): RequestEvent {
    if (event.kind !== 'done' || event.finishReason !== 'cancelled' || this.cancelledMs !== null)
      return event;
    const { requestId, prompt } = event;
    return { kind: 'error', requestId, prompt, code: 'queue.unreachable', message: CUT_OFF };
  }
}

export const CUT_OFF =
  'This gateway was cut off from its readers while the answer was being generated. Send the request again.';

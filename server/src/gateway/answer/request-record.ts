// What became of one request and what its time went into: the one place where the gateway's own stages and what a reader says of
// its work are joined. The stages of a prompt do not overlap and add up to its total: what nobody worked on was waiting, for a
// reader, for the end of other prompts, or for a constraint.
import type { ErrorCode } from 'takeoff-wire';
import { Defect } from '../../errors.js';
import type { DoneEvent, RequestEvent } from '../../link/requests/messages.js';

/** Of one prompt, in milliseconds. */
export interface PromptTimings {
  /** From the first byte of the request until its body had arrived and was parsed. */
  readonly receiveMs: number;
  /** Fetching and decoding images. */
  readonly decodeImageMs: number;
  readonly queueMs: number;
  readonly visionMs: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
  /** From the first byte of the request to the first token; null for an answer without text. Not a stage of its own. */
  readonly firstTokenMs: number | null;
  /** From the first byte of the request to the end of the prompt's answer: the sum of all stages. */
  readonly totalMs: number;
}

/** The end of a prompt, with what its time went into. */
export interface FinishedEvent extends DoneEvent {
  readonly timings: PromptTimings;
}

/** What a request is answered with. */
export type AnswerEvent = Exclude<RequestEvent, DoneEvent> | FinishedEvent;

/** Where a request came from, for traces. */
export interface RequestSource {
  /** The pattern of its route. */
  readonly route: string;
  readonly requestId: string;
  /** `traceparent` and `tracestate`, as far as the client sent them. */
  readonly traceHeaders: Readonly<Record<string, string>>;
}

export interface RecordOptions {
  readonly source?: RequestSource | null;
  /** Milliseconds, ever growing. */
  readonly clock?: () => number;
}

interface PromptRecord {
  firstTokenMs: number | null;
  finished: FinishedEvent | null;
}

export class RequestRecord {
  /** When its first byte came, by the clock. */
  readonly arrivedAtMs: number;
  readonly source: RequestSource | null;
  readonly #clock: () => number;
  readonly #prompts = new Map<number, PromptRecord>();
  #receiveMs = 0;
  #decodeImageMs = 0;
  #errorCode: ErrorCode | null = null;

  /** To be made when the body has been parsed. */
  constructor(arrivedAtMs: number, { source = null, clock = () => performance.now() }: RecordOptions = {}) {
    this.arrivedAtMs = arrivedAtMs;
    this.source = source;
    this.#clock = clock;
    this.#receiveMs = this.elapsedMs;
  }

  /** Since the first byte of the request. */
  get elapsedMs(): number {
    return Math.max(0, this.#clock() - this.arrivedAtMs);
  }

  get receiveMs(): number {
    return this.#receiveMs;
  }

  get decodeImageMs(): number {
    return this.#decodeImageMs;
  }

  /** Of the first prompt that ended with an error; null while none has. */
  get errorCode(): ErrorCode | null {
    return this.#errorCode;
  }

  /** Of every prompt that has one. */
  get firstTokensMs(): readonly number[] {
    return [...this.#prompts.values()].flatMap(({ firstTokenMs }) => firstTokenMs ?? []);
  }

  /** Of every prompt that has ended with an answer. */
  get finished(): readonly FinishedEvent[] {
    return [...this.#prompts.values()].flatMap(({ finished }) => finished ?? []);
  }

  /** Counts the time of `work` as that of images. */
  async whileDecodingImages<Result>(work: () => Promise<Result>): Promise<Result> {
    const startMs = this.elapsedMs;
    try {
      return await work();
    } finally {
      this.#decodeImageMs += this.elapsedMs - startMs;
    }
  }

  /** To be called when a reader's event arrives, which may be long before a slow client takes it. */
  readonly hear = (event: RequestEvent): void => {
    const record = this.#prompts.get(event.prompt) ?? { firstTokenMs: null, finished: null };
    this.#prompts.set(event.prompt, record);
    if (event.kind === 'token') record.firstTokenMs ??= this.elapsedMs;
    if (event.kind === 'done')
      record.finished = { timings: this.#timingsOf(event, record.firstTokenMs), ...event };
  };

  /** Forgets what was heard, because another reader answers anew. */
  beginAnew(): void {
    this.#prompts.clear();
  }

  /** An event that the request is answered with, with what the record knows of it. */
  complete(event: RequestEvent): AnswerEvent {
    if (event.kind === 'error') this.#errorCode ??= event.code;
    if (event.kind !== 'done') return event;
    const finished = this.#prompts.get(event.prompt)?.finished;
    if (finished == null) throw new Defect(`Prompt ${event.prompt} of a request ended unheard.`);
    return finished;
  }

  #timingsOf({ times }: DoneEvent, firstTokenMs: number | null): PromptTimings {
    const totalMs = this.elapsedMs;
    const receiveMs = this.#receiveMs;
    const decodeImageMs = this.#decodeImageMs;
    const workedMs = receiveMs + decodeImageMs + times.visionMs + times.prefillMs + times.decodeMs;
    // Clocks of two processes: a prompt that did not wait at all may seem to have waited a little less than that.
    const queueMs = Math.max(0, totalMs - workedMs);
    return { receiveMs, decodeImageMs, queueMs, ...times, firstTokenMs, totalMs };
  }
}

// Runs one question: sends it, follows its states, collects its answer. Everything that can happen ends in one last state.
import type { SingleAnswer } from 'takeoff-client';
import { clientFor } from '../server/server.js';
import type { UploadProgress } from '../server/upload-fetch.js';
import { explainFailure } from './explain-failure.js';
import { stageTimes, type Observed } from './stage-times.js';
import { TextBuffer } from './text-buffer.js';
import type { AnswerFacts, Question, TurnState } from './turn.js';

export interface QuestionListener {
  onState(state: TurnState): void;
  /** More of the answer, a few times a second. */
  onText(text: string): void;
  /** What the question waits for once the server has it. */
  waitsFor(): TurnState;
}

/** Resolves with the last state, which the listener has heard. */
export async function runQuestion(
  { text, options, image }: Question,
  signal: AbortSignal,
  listener: QuestionListener,
): Promise<TurnState> {
  const watch = new StageWatch(listener);
  const buffer = new TextBuffer((more) => listener.onText(more));
  let last: TurnState;
  try {
    const stream = clientFor((progress) => watch.sent(progress)).generateStream(text, {
      ...options,
      ...(image === null ? {} : { image: image.bytes ?? image.blob }),
      returnMetadata: true,
      signal,
    });
    for await (const piece of stream) {
      watch.wrote();
      buffer.add(piece.text);
    }
    last = { kind: 'done', facts: watch.facts(await stream) };
  } catch (error) {
    last = signal.aborted
      ? { kind: 'stopped', facts: watch.facts(null) }
      : { kind: 'failed', failure: explainFailure(error) };
  }
  buffer.flush();
  listener.onState(last);
  return last;
}

/** Turns what the request does into states, and remembers when each began. */
class StageWatch {
  readonly #listener: QuestionListener;
  readonly #askedMs = performance.now();
  #sentMs: number | null = null;
  #firstTokenMs: number | null = null;

  constructor(listener: QuestionListener) {
    this.#listener = listener;
    listener.onState({ kind: 'sending', fraction: 0 });
  }

  sent({ fraction }: UploadProgress): void {
    if (this.#sentMs !== null) return;
    if (fraction < 1) {
      this.#listener.onState({ kind: 'sending', fraction });
      return;
    }
    this.#sentMs = performance.now();
    this.#listener.onState(this.#listener.waitsFor());
  }

  wrote(): void {
    if (this.#firstTokenMs !== null) return;
    this.#firstTokenMs = performance.now();
    this.#listener.onState({ kind: 'writing' });
  }

  facts(answer: SingleAnswer | null): AnswerFacts {
    const observed: Observed = {
      askedMs: this.#askedMs,
      sentMs: this.#sentMs,
      firstTokenMs: this.#firstTokenMs,
      endMs: performance.now(),
    };
    const metadata = answer?.metadata ?? null;
    return {
      metadata,
      firstTokenMs: observed.firstTokenMs === null ? null : observed.firstTokenMs - observed.askedMs,
      totalMs: observed.endMs - observed.askedMs,
      stages: stageTimes(metadata, observed),
    };
  }
}

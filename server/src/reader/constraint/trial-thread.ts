// The reader's end of the trial thread: one grammar at a time, each with a deadline. A thread that misses it is ended, one that
// trapped too, and the next trial starts another one. Knows nothing of what grammars are for.
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { NativeError } from '../../errors.js';
import type { InstanceImage } from './llguidance.js';
import { setDeadline } from './thread-deadline.js';
import { clockOf } from './thread-time.js';
import type { TrialAnswer, TrialMessage, TrialQuestion, TrialSetup } from './trial-messages.js';
import type { VocabularyBytes } from './vocabulary.js';

/** JavaScript, so that it can start whether this file is compiled or run from TypeScript by the tests. */
const PROGRAM = fileURLToPath(new URL('../../../bin/constraint-thread.js', import.meta.url));

/** A vocabulary of 128,000 takes half a second; the machine may be busy. */
const START_TIMEOUT_MS = 60_000;

export type TrialOutcome =
  | Extract<TrialAnswer, { readonly kind: 'quick' | 'slow' }>
  /** For what it is. */
  | { readonly kind: 'refused'; readonly why: string }
  /** For what it costs. */
  | { readonly kind: 'too-costly'; readonly why: string };

export class TrialThread {
  readonly #timeoutMs: number;
  #setup: TrialSetup;
  #worker: Worker | undefined;
  #clock = clockOf(null);
  #image: InstanceImage | undefined;
  /** Ends when the trial before has ended. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param timeoutMs of each trial */
  constructor(vocabulary: VocabularyBytes, timeoutMs: number) {
    this.#setup = { kind: 'vocabulary', vocabulary };
    this.#timeoutMs = timeoutMs;
  }

  /** Of the instance before its first grammar. @throws NativeError when the thread cannot start */
  async image(): Promise<InstanceImage> {
    await this.#inTurn(() => this.#started());
    if (this.#image === undefined) throw new NativeError('native.call_failed', 'llguidance did not start.');
    return this.#image;
  }

  /**
   * @param quickMs where it takes longer, the outcome brings what was compiled
   * @throws NativeError when the thread cannot start
   */
  tryOut(question: TrialQuestion, quickMs: number): Promise<TrialOutcome> {
    return this.#inTurn(async () => {
      const worker = await this.#started();
      const answered = nextAnswer(worker, this.#timeoutMs, this.#clock);
      worker.postMessage({ ...question, quickMs } satisfies TrialMessage);
      const answer = await answered;
      if (answer.kind === 'quick' || answer.kind === 'slow' || answer.kind === 'refused') {
        worker.unref();
        return answer;
      }
      await this.#end();
      return { kind: 'too-costly', why: describe(answer, this.#timeoutMs) };
    });
  }

  async close(): Promise<void> {
    await this.#inTurn(() => this.#end());
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #started(): Promise<Worker> {
    if (this.#worker !== undefined) {
      this.#worker.ref();
      return this.#worker;
    }
    const worker = new Worker(PROGRAM, { workerData: this.#setup });
    this.#worker = worker;
    // It may end between two trials, too, when nobody else listens: the next one is not for a thread that is gone.
    worker
      .on('error', () => undefined)
      .once('exit', () => {
        if (this.#worker === worker) this.#worker = undefined;
      });
    const answer = await nextAnswer(worker, START_TIMEOUT_MS, clockOf(null));
    if (answer.kind !== 'ready') {
      await this.#end();
      throw new NativeError(
        'native.call_failed',
        `llguidance did not start: ${describe(answer, START_TIMEOUT_MS)}.`,
      );
    }
    this.#image = answer.image;
    this.#clock = clockOf(answer.thread);
    this.#setup = { kind: 'image', image: answer.image };
    worker.unref();
    return worker;
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

type Answer = TrialAnswer | { readonly kind: 'late' } | { readonly kind: 'ended'; readonly why: string };

/** Listeners are taken off one by one: Node keeps some of its own on a worker, without which it hears nothing any more. */
function nextAnswer(worker: Worker, timeoutMs: number, clock: () => number): Promise<Answer> {
  return new Promise((resolve) => {
    const onMessage = (answer: TrialAnswer) => settle(answer);
    const onError = (error: unknown) => settle({ kind: 'ended', why: String(error) });
    const onExit = (code: number) => settle({ kind: 'ended', why: `its thread ended with code ${code}` });
    const lift = setDeadline(timeoutMs, clock, () => settle({ kind: 'late' }));
    const settle = (answer: Answer) => {
      lift();
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      resolve(answer);
    };
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}

function describe(answer: Answer, timeoutMs: number): string {
  if (answer.kind === 'late') return `it took longer than ${timeoutMs} ms`;
  return 'why' in answer ? answer.why : answer.kind;
}

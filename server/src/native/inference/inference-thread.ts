// The one thread on which this process computes. Graphs and decodes run there and nowhere else: native thread pools keep state for
// the thread that calls them, and the JavaScript thread, which reads messages, never waits for a matrix or for the sampling of a
// large vocabulary. One job at a time; another one is a defect, because two graphs on one pool would silently compute nonsense.
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Defect, NativeError } from '../../errors.js';
import type { InferenceAnswer, InferenceJob, InferenceResult, InferenceSetup } from './jobs.js';
import { Mailbox } from './mailbox.js';

/** The thread's program is JavaScript, so that it can start whether this file is compiled or run from TypeScript by the tests. */
const PROGRAM = fileURLToPath(new URL('../../../bin/inference-thread.js', import.meta.url));

interface Thread {
  readonly worker: Worker;
  readonly mailbox: Mailbox;
}

interface Pending {
  readonly resolve: (result: InferenceResult) => void;
  readonly reject: (error: NativeError) => void;
}

export class InferenceThread {
  readonly #folder: string;
  #thread: Thread | undefined;
  #pending: Pending | undefined;

  /** @param folder of the libraries that the process has opened */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * @throws Defect while another job runs
   * @throws NativeError native.call_failed when the thread ended
   */
  run(job: InferenceJob): Promise<InferenceResult> {
    if (this.#pending !== undefined)
      throw new Defect('Two computations at once: the inference thread does one at a time.');
    const { worker, mailbox } = (this.#thread ??= this.#start());
    mailbox.post(job);
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      // A running job keeps the process alive; the idle thread does not (unref in #settle).
      worker.ref();
    });
  }

  #start(): Thread {
    const mailbox = new Mailbox();
    const setup: InferenceSetup = { folder: this.#folder, mailbox: mailbox.memory };
    const thread = { worker: new Worker(PROGRAM, { workerData: setup }), mailbox };
    thread.worker.on('message', (answer: InferenceAnswer) => this.#settle(thread, answer));
    thread.worker.on('error', (error) => this.#settle(thread, { failure: error.message }));
    thread.worker.on('exit', (code) => {
      this.#thread = undefined;
      this.#settle(thread, { failure: `its thread ended with code ${code}` });
    });
    return thread;
  }

  #settle({ worker, mailbox }: Thread, answer: InferenceAnswer): void {
    const pending = this.#pending;
    this.#pending = undefined;
    worker.unref();
    if (answer === null) pending?.resolve(mailbox.readResult());
    else
      pending?.reject(
        new NativeError('native.call_failed', `A computation was not made: ${answer.failure}.`),
      );
  }
}

// The one thread on which this process computes. Graphs and decodes run there and nowhere else: native thread pools keep state for
// the thread that calls them, and the JavaScript thread, which reads messages, never waits for a matrix or for the sampling of a
// large vocabulary. One job at a time; another one is a defect, because two graphs on one pool would silently compute nonsense.
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Defect, NativeError } from '../../errors.js';
import type { InferenceAnswer, InferenceJob, InferenceResult, InferenceSetup } from './jobs.js';

/** The thread's program is JavaScript, so that it can start whether this file is compiled or run from TypeScript by the tests. */
const PROGRAM = fileURLToPath(new URL('../../../bin/inference-thread.js', import.meta.url));

interface Pending {
  readonly resolve: (result: InferenceResult) => void;
  readonly reject: (error: NativeError) => void;
}

export class InferenceThread {
  readonly #folder: string;
  readonly #posted = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | undefined;
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
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      // A running job keeps the process alive; the idle thread does not (unref in #settle).
      worker.ref();
      worker.postMessage(job);
      Atomics.add(this.#posted, 0, 1);
      Atomics.notify(this.#posted, 0);
    });
  }

  #start(): Worker {
    const setup: InferenceSetup = {
      folder: this.#folder,
      posted: this.#posted.buffer,
    };
    const worker = new Worker(PROGRAM, { workerData: setup });
    worker.on('message', (answer: InferenceAnswer) => this.#settle(worker, answer));
    worker.on('error', (error) => this.#settle(worker, { kind: 'failed', message: error.message }));
    worker.on('exit', (code) => {
      this.#worker = undefined;
      this.#settle(worker, { kind: 'failed', message: `its thread ended with code ${code}` });
    });
    return worker;
  }

  #settle(worker: Worker, answer: InferenceAnswer): void {
    const pending = this.#pending;
    this.#pending = undefined;
    worker.unref();
    if (answer.kind === 'result') pending?.resolve(answer.result);
    else
      pending?.reject(
        new NativeError('native.call_failed', `A computation was not made: ${answer.message}.`),
      );
  }
}

// One decoder child: started, given one job at a time, and gone for good once it died or was destroyed. Every job is answered
// exactly once: decoded, refused by the child, or failed with the reason of `destroy`, or with `image.undecodable` when the child
// ends by itself.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Defect, InputError, type TakeoffError } from '../../errors.js';
import { type DecodeJob, type FromDecoder, fromDecoderSchema } from './decoder/messages.js';

export type Decoded = Extract<FromDecoder, { kind: 'decoded' }>;

/** JavaScript, so that it can start whether this file is compiled or run from TypeScript by the tests. */
export const DECODER_PROGRAM = fileURLToPath(new URL('../../../bin/decoder.js', import.meta.url));

/** Enough for the JavaScript side of a job; pixels lie outside this heap. The largest seen is 20 MB. */
const HEAP_MIB = 128;
/** Kept of what the child wrote to stderr, for the message when it cannot start. */
const STDERR_CHARS = 2000;

type State =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'working';
      readonly resolve: (decoded: Decoded) => void;
      readonly reject: (error: unknown) => void;
    }
  | { readonly kind: 'gone' };

export class DecoderProcess {
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;
  readonly #exited: Promise<void>;
  #settleReady: { resolve: () => void; reject: (error: TakeoffError) => void } | undefined;
  #state: State = { kind: 'idle' };
  #stderr = '';

  constructor(program: string = DECODER_PROGRAM) {
    this.#child = fork(program, [], {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${HEAP_MIB}`],
      // Nothing of the environment: it holds access tokens. Fewer malloc arenas let a 12 MP job give its memory back.
      env: { MALLOC_ARENA_MAX: '2' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#ready = new Promise((resolve, reject) => {
      this.#settleReady = { resolve, reject };
    });
    // Awaited by the first job; without one nobody needs to know.
    this.#ready.catch(() => undefined);
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#onGone(signal ?? `exit code ${code ?? 'unknown'}`);
        resolve();
      });
      this.#child.once('error', (error) => {
        this.#onGone(error.message);
        if (this.#child.pid === undefined) resolve();
      });
    });
    this.#child.on('message', (message) => this.#onMessage(message));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS);
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isUsable(): boolean {
    return this.#state.kind !== 'gone';
  }

  /** Resolves when the child takes jobs; rejects with a Defect when it ended by itself before, or with the reason of `destroy`. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Runs one job. The caller keeps deadlines, and calls `destroy` to end a job early. */
  decode(job: DecodeJob): Promise<Decoded> {
    return new Promise((resolve, reject) => {
      if (this.#state.kind !== 'idle') {
        reject(new Defect(`A decoder that is ${this.#state.kind} was given a job.`));
        return;
      }
      this.#state = { kind: 'working', resolve, reject };
      this.#child.send(job, (error) => {
        if (error !== null) this.#fail(died(`it took no job: ${error.message}`));
      });
    });
  }

  /** Ends the child now; a running job fails with the reason. Resolves when the process is gone. */
  async destroy(reason: TakeoffError): Promise<void> {
    this.#fail(reason);
    await this.#exited;
  }

  #onMessage(message: unknown): void {
    const parsed = fromDecoderSchema.safeParse(message);
    if (!parsed.success) {
      this.#fail(died('it answered nonsense'));
      return;
    }
    const answer = parsed.data;
    if (answer.kind === 'ready') {
      this.#settleReady?.resolve();
      return;
    }
    if (this.#state.kind !== 'working') return;
    const { resolve, reject } = this.#state;
    this.#state = { kind: 'idle' };
    if (answer.kind === 'decoded') resolve(answer);
    else reject(new InputError(answer.code, answer.message));
  }

  #onGone(how: string): void {
    const notStarted = `The image decoder could not start (${how}). ${this.#stderr}`.trim();
    this.#settleReady?.reject(new Defect(notStarted, { details: { how } }));
    this.#fail(died(how));
  }

  #fail(error: TakeoffError): void {
    const state = this.#state;
    this.#state = { kind: 'gone' };
    // Without effect once the child was ready.
    this.#settleReady?.reject(error);
    if (state.kind === 'working') state.reject(error);
    // Harmless when it is gone already. SIGKILL, because native code in a loop answers to nothing else.
    if (state.kind !== 'gone') this.#child.kill('SIGKILL');
  }
}

const died = (how: string): InputError =>
  new InputError('image.undecodable', `The image could not be decoded: the decoder ended (${how}).`, {
    details: { how },
  });

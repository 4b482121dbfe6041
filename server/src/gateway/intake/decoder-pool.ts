// Decoder children, started when needed and kept. A job waits for a free child in a bounded queue, runs under a deadline, and
// takes at most its own child down. `close` finishes what was accepted, `destroy` fails it now.
import { setTimeout as delay } from 'node:timers/promises';
import { CapacityError, InputError, type TakeoffError } from '../../errors.js';
import type { DecodeJob } from './decoder/messages.js';
import { type Decoded, DecoderProcess } from './decoder-process.js';
import { WaitQueue } from './wait-queue.js';

export interface DecoderPoolOptions {
  /** Children at most; setting `image_decode_concurrency`. */
  readonly decoders: number;
  /** Deadline of one job in a child that is ready; setting `image_decode_timeout_ms`. */
  readonly decodeTimeoutMs: number;
  /** Jobs that may wait for a child, and how long. */
  readonly maxWaiting: number;
  readonly maxWaitMs: number;
  /** A child with more resident memory than this after a job is replaced. */
  readonly maxResidentBytes: number;
  /** Makes a child; tests give one that misbehaves. */
  readonly start: () => DecoderProcess;
  /** Told why a child could not be started, each time: that is for the operator, and jobs hear only that it is so. */
  readonly onStartFailure: (error: unknown) => void;
}

export const DECODER_POOL_DEFAULTS: DecoderPoolOptions = {
  decoders: 2,
  decodeTimeoutMs: 10_000,
  // Each holds an upload of up to body_size_limit_bytes; 32 of 20 MiB are what a small machine bears.
  maxWaiting: 32,
  maxWaitMs: 10_000,
  // An idle child has 70 MB and a 12 MP photograph leaves it below 200; only bombs near the pixel limit pass this.
  maxResidentBytes: 300 * 2 ** 20,
  start: () => new DecoderProcess(),
  onStartFailure: () => undefined,
};

/** A child starts in 0.2 seconds; on a machine that is loading a model from a slow disk it may take many times that. */
const START_TIMEOUT_MS = 30_000;
/** A machine that is short of memory or processes for a moment, as while a model is loaded, often has them at the next try. */
const START_TRIES = 2;
const START_PAUSE_MS = 100;

export interface DecoderPool {
  /**
   * Fails with `image.undecodable`, `image.decode_timeout`, `image.decoder_busy`, `image.decoder_failed`, `server.draining`, with what
   * the child refused, or with the signal's reason.
   */
  decode(job: DecodeJob, signal: AbortSignal): Promise<Decoded>;
  /** Starts a child where none runs, so that the first image need not wait for it. */
  prepare(): void;
  /** Jobs that run and wait, for metrics. */
  readonly load: { readonly running: number; readonly waiting: number };
  /** Takes no more jobs, finishes the accepted ones, ends the children. */
  close(): Promise<void>;
  /** Ends everything now; accepted jobs fail with the reason. */
  destroy(reason: TakeoffError): Promise<void>;
}

/** A child's place. `process` is undefined until it is needed or prepared. */
interface Slot {
  process: DecoderProcess | undefined;
  isBusy: boolean;
}

export function createDecoderPool(given: Partial<DecoderPoolOptions> = {}): DecoderPool {
  return new Pool({ ...DECODER_POOL_DEFAULTS, ...given });
}

class Pool implements DecoderPool {
  readonly #options: DecoderPoolOptions;
  readonly #slots: Slot[];
  readonly #waiting: WaitQueue<Slot>;
  #isClosed = false;
  #onIdle: (() => void)[] = [];

  constructor(options: DecoderPoolOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.decoders }, () => ({ process: undefined, isBusy: false }));
    const { maxWaiting, maxWaitMs } = options;
    this.#waiting = new WaitQueue({ maxWaiting, maxWaitMs, busy: () => busy(options) });
  }

  get load(): { running: number; waiting: number } {
    return { running: this.#slots.filter((slot) => slot.isBusy).length, waiting: this.#waiting.waitingCount };
  }

  async decode(job: DecodeJob, signal: AbortSignal): Promise<Decoded> {
    signal.throwIfAborted();
    const slot = await this.#acquire(signal);
    try {
      signal.throwIfAborted();
      return await this.#run(slot, job, signal);
    } finally {
      this.#release(slot);
    }
  }

  prepare(): void {
    const [first] = this.#slots;
    if (this.#isClosed || first === undefined || this.#slots.some(({ process }) => process !== undefined))
      return;
    try {
      first.process = this.#options.start();
    } catch (error) {
      this.#options.onStartFailure(error);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.load.running > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    await this.#endChildren(closed());
  }

  async destroy(reason: TakeoffError): Promise<void> {
    this.#isClosed = true;
    this.#waiting.refuseAll(reason);
    await this.#endChildren(reason);
  }

  async #run(slot: Slot, job: DecodeJob, signal: AbortSignal): Promise<Decoded> {
    const { decodeTimeoutMs, maxResidentBytes } = this.#options;
    const end = (error: TakeoffError): void => void slot.process?.destroy(error);
    const onAbort = (): void => end(cancelled());
    signal.addEventListener('abort', onAbort, { once: true });
    let deadline = setTimeout(() => end(notStarted()), START_TIMEOUT_MS);
    try {
      const process = await this.#readyChild(slot, signal);
      clearTimeout(deadline);
      deadline = setTimeout(() => end(timedOut(decodeTimeoutMs)), decodeTimeoutMs);
      const decoded = await process.decode(job);
      if (decoded.residentBytes > maxResidentBytes) end(recycled());
      return decoded;
    } catch (error) {
      // Whatever the child's end looked like, the caller asked for it.
      signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** The child of the place, or a new one. */
  async #readyChild(slot: Slot, signal: AbortSignal): Promise<DecoderProcess> {
    for (let tries = 1; ; tries += 1) {
      // Nobody would end a child that is started now.
      if (tries > 1 && this.#isClosed) throw closed();
      try {
        const process = slot.process?.isUsable ? slot.process : this.#options.start();
        slot.process = process;
        await process.ready;
        return process;
      } catch (error) {
        // Its end was wanted: the job is cancelled, or the server shuts down.
        if (signal.aborted || this.#isClosed) throw error;
        this.#options.onStartFailure(error);
        const isLate = error instanceof CapacityError;
        if (isLate || tries === START_TRIES) throw startFailed(error);
        await delay(START_PAUSE_MS, undefined, { signal });
      }
    }
  }

  #acquire(signal: AbortSignal): Promise<Slot> {
    if (this.#isClosed) return Promise.reject(closed());
    // A child that runs already is preferred to a place where one must be started.
    const free = this.#slots.filter((slot) => !slot.isBusy);
    const slot = free.find(({ process }) => process?.isUsable) ?? free[0];
    if (slot !== undefined) {
      slot.isBusy = true;
      return Promise.resolve(slot);
    }
    return this.#waiting.wait(signal);
  }

  /** Hands the place to the one who waits longest. */
  #release(slot: Slot): void {
    if (this.#waiting.grant(slot)) return;
    slot.isBusy = false;
    if (this.load.running === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  async #endChildren(reason: TakeoffError): Promise<void> {
    const children = this.#slots.flatMap(({ process }) => process ?? []);
    await Promise.all(children.map((process) => process.destroy(reason)));
  }
}

const RETRY_AFTER_MS = 1_000;

const closed = (): CapacityError =>
  new CapacityError('server.draining', 'The server is shutting down and decodes no more images.', 5000);

const busy = ({ decoders, maxWaiting }: DecoderPoolOptions): CapacityError =>
  new CapacityError(
    'image.decoder_busy',
    `All ${decoders} image decoders are busy and up to ${maxWaiting} images may wait; image_decode_concurrency sets how many run.`,
    1000,
    { details: { allowed: maxWaiting, setting: 'image_decode_concurrency' } },
  );

const timedOut = (timeoutMs: number): InputError =>
  new InputError(
    'image.decode_timeout',
    `Decoding the image took longer than ${timeoutMs} ms; image_decode_timeout_ms sets the limit.`,
    { details: { allowed: timeoutMs, setting: 'image_decode_timeout_ms' } },
  );

const notStarted = (): CapacityError =>
  new CapacityError(
    'image.decoder_failed',
    `The image decoder did not start within ${START_TIMEOUT_MS} ms.`,
    RETRY_AFTER_MS,
  );

const startFailed = (cause: unknown): CapacityError =>
  new CapacityError(
    'image.decoder_failed',
    "An image decoder could not be started; the server's log says why. The same request can succeed later.",
    RETRY_AFTER_MS,
    { cause },
  );

const cancelled = (): InputError => new InputError('image.undecodable', 'Decoding was cancelled.');
const recycled = (): InputError => new InputError('image.undecodable', 'The decoder was replaced.');

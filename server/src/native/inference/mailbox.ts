// The one job of the inference thread and then its result, in memory that both threads share. A step of a small model takes half a
// millisecond, and copying job and result as messages would cost a tenth of it; written field by field they cost a few
// microseconds. Not a queue: the caller posts the next job after it has read the result of the last one. How the caller learns
// that there is a result is not for the mailbox.
import { Defect } from '../../errors.js';
import type { LlamaBatch, Pointer } from '../symbols/structs.js';
import type { InferenceJob, InferenceResult, RankedId, Sampled, SampleJob } from './jobs.js';

/**
 * Bytes for numbers, which costs only what is used of it. A job has at most 256 samples; their banned tokens are fewer than the cells
 * of a KV cache, and their masks take 32 kB each for a vocabulary of 128,256.
 */
const NUMBER_BYTES = 16 * 2 ** 20;
/** Bytes for addresses: a context, a batch, a sampler for each sample. */
const ADDRESS_BYTES = 4096;
/** Bytes for the count of jobs, on which the thread sleeps. */
const COUNT_BYTES = 8;

/** In place of a count where nothing is asked for or told. */
const NONE = -1;

const GRAPH = 0;
const DECODE = 1;
const SAMPLE = 2;

export class Mailbox {
  readonly memory: SharedArrayBuffer;
  /** Jobs posted so far. */
  readonly #posted: Int32Array;
  readonly #addresses: BigUint64Array;
  readonly #numbers: Float64Array;
  /** Indices of the next field to write or read. */
  #number = 0;
  #address = 0;
  #received = 0;

  /** @param memory of the mailbox at the other end; a new one without it */
  constructor(memory = new SharedArrayBuffer(COUNT_BYTES + ADDRESS_BYTES + NUMBER_BYTES)) {
    this.memory = memory;
    this.#posted = new Int32Array(memory, 0, 1);
    this.#addresses = new BigUint64Array(memory, COUNT_BYTES, ADDRESS_BYTES / 8);
    this.#numbers = new Float64Array(memory, COUNT_BYTES + ADDRESS_BYTES);
  }

  /** Hands a job over and wakes the thread. */
  post(job: InferenceJob): void {
    this.#rewind();
    if (job.kind === 'graph') {
      this.#writeNumber(GRAPH);
      this.#writeAddress(job.backend);
      this.#writeAddress(job.graph);
    } else {
      this.#writeNumber(job.kind === 'decode' ? DECODE : SAMPLE);
      this.#writeAddress(job.context);
      if (job.kind === 'decode') this.#writeBatch(job.batch);
      this.#writeNumber(job.vocabularySize);
      this.#writeNumber(job.samples.length);
      for (const sample of job.samples) this.#writeSample(sample);
    }
    Atomics.add(this.#posted, 0, 1);
    Atomics.notify(this.#posted, 0);
  }

  /** Sleeps until there is a job that was not received before. */
  receive(): InferenceJob {
    // Whoever posts adds and then notifies. When the system takes its processor away in between, the job may be over and this thread
    // asleep again by the time it is notified, and its own result would be read as a job.
    while (Atomics.load(this.#posted, 0) === this.#received) Atomics.wait(this.#posted, 0, this.#received);
    this.#received = Atomics.load(this.#posted, 0);
    this.#rewind();
    const kind = this.#readNumber();
    if (kind === GRAPH) return { kind: 'graph', backend: this.#readAddress(), graph: this.#readAddress() };
    const context = this.#readAddress();
    if (kind === SAMPLE) return { kind: 'sample', context, ...this.#readSamples() };
    return { kind: 'decode', context, batch: this.#readBatch(), ...this.#readSamples() };
  }

  /** Replaces the job by its result. */
  writeResult({ status, sampled }: InferenceResult): void {
    this.#rewind();
    this.#writeNumber(status);
    this.#writeNumber(sampled.length);
    for (const one of sampled) this.#writeSampled(one);
  }

  readResult(): InferenceResult {
    this.#rewind();
    return {
      status: this.#readNumber(),
      sampled: Array.from({ length: this.#readNumber() }, () => this.#readSampled()),
    };
  }

  #writeBatch(batch: LlamaBatch): void {
    this.#writeNumber(batch.n_tokens);
    for (const address of [batch.token, batch.embd, batch.pos, batch.n_seq_id, batch.seq_id, batch.logits])
      this.#writeAddress(address ?? 0n);
  }

  #readBatch(): LlamaBatch {
    return {
      n_tokens: this.#readNumber(),
      token: this.#readAddress() || null,
      embd: this.#readAddress() || null,
      pos: this.#readAddress(),
      n_seq_id: this.#readAddress(),
      seq_id: this.#readAddress(),
      logits: this.#readAddress(),
    };
  }

  #writeSample({ row, sampler, banned, topLogprobs, tentative }: SampleJob): void {
    this.#writeNumber(row);
    this.#writeAddress(sampler);
    this.#writeNumber(topLogprobs ?? NONE);
    this.#writeNumber(banned.from);
    this.#writeNumbers(banned.tokens);
    this.#writeNumber(tentative === undefined ? 0 : 1);
    if (tentative !== undefined) this.#writeMask(tentative.allowed);
  }

  #readSamples() {
    return {
      vocabularySize: this.#readNumber(),
      samples: Array.from({ length: this.#readNumber() }, () => this.#readSample()),
    };
  }

  #readSample(): SampleJob {
    return {
      row: this.#readNumber(),
      sampler: this.#readAddress(),
      topLogprobs: this.#readCount(),
      banned: { from: this.#readNumber(), tokens: this.#readNumbers() },
      ...(this.#readNumber() === 1 && { tentative: { allowed: this.#readMask() } }),
    };
  }

  #writeMask(mask: Uint32Array | null): void {
    this.#writeNumber(mask === null ? NONE : mask.length);
    if (mask === null) return;
    if (this.#number + mask.length > this.#numbers.length)
      throw new Defect('A job has more numbers than its memory.');
    this.#numbers.set(mask, this.#number);
    this.#number += mask.length;
  }

  #readMask(): Uint32Array | null {
    const length = this.#readNumber();
    if (length === NONE) return null;
    const start = this.#number;
    this.#number += length;
    return Uint32Array.from(this.#numbers.subarray(start, this.#number));
  }

  #writeSampled({ token, logprobs }: Sampled): void {
    this.#writeNumber(token);
    this.#writeNumber(logprobs === null ? NONE : logprobs.top.length);
    if (logprobs === null) return;
    this.#writeNumber(logprobs.logprob);
    for (const { token: other, logprob } of logprobs.top) {
      this.#writeNumber(other);
      this.#writeNumber(logprob);
    }
  }

  #readSampled(): Sampled {
    const token = this.#readNumber();
    const topCount = this.#readCount();
    if (topCount === null) return { token, logprobs: null };
    const logprob = this.#readNumber();
    const readRanked = (): RankedId => ({ token: this.#readNumber(), logprob: this.#readNumber() });
    return { token, logprobs: { logprob, top: Array.from({ length: topCount }, readRanked) } };
  }

  #readCount(): number | null {
    const count = this.#readNumber();
    return count === NONE ? null : count;
  }

  #rewind(): void {
    this.#number = 0;
    this.#address = 0;
  }

  #writeNumber(value: number): void {
    if (this.#number >= this.#numbers.length) throw new Defect('A job has more numbers than its memory.');
    this.#numbers[this.#number++] = value;
  }

  #readNumber(): number {
    return this.#numbers[this.#number++] ?? 0;
  }

  #writeNumbers(values: readonly number[]): void {
    this.#writeNumber(values.length);
    for (const value of values) this.#writeNumber(value);
  }

  #readNumbers(): number[] {
    return Array.from({ length: this.#readNumber() }, () => this.#readNumber());
  }

  #writeAddress(value: Pointer): void {
    if (this.#address >= this.#addresses.length)
      throw new Defect('A job has more addresses than its memory.');
    this.#addresses[this.#address++] = value;
  }

  #readAddress(): Pointer {
    return this.#addresses[this.#address++] ?? 0n;
  }
}

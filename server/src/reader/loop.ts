// The reader's one loop: receive → admit → encode a slice of an image → step → emit. Owns the queue of prompts and promises one
// terminal event for every prompt it accepted. Engine and encoder calls never overlap; between two of them, cancellations take
// effect, so a client that went away frees its place before the next step. What the KV cache holds is for kv/ to know.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FinishReason } from 'takeoff-wire';
import { Defect, InputError, TakeoffError } from '../errors.js';
import type { FromReader } from '../link/messages.js';
import type { GenerateMessage, RequestEvent } from '../link/requests/messages.js';
import type { LanguageEngine, SampledToken, StepRow } from './engine/engine.js';
import type { Slot } from './ids.js';
import type { KvHandle, KvOwner } from './kv/kv-owner.js';
import type { SequenceFactory } from './sequence-factory.js';
import { planStep, type RowBudget } from './schedule/plan.js';
import type { Sequence } from './sequence.js';
import type { ImageStore } from './vision/image-store.js';

export interface LoopOptions {
  readonly engine: LanguageEngine;
  readonly kv: KvOwner;
  /** Null for a model that takes no images. */
  readonly images: ImageStore | null;
  readonly sequences: SequenceFactory;
  readonly send: (event: FromReader) => void;
  /** Called once when the engine fails; every accepted prompt has had its terminal event by then. */
  readonly onDefect: (error: unknown) => void;
  readonly maxPrefillRowsBesideDecode: number;
}

interface Running {
  readonly sequence: Sequence;
  readonly handle: KvHandle;
}

export class ReaderLoop {
  readonly #options: LoopOptions;
  readonly #budget: RowBudget;
  /** First come, first served. */
  readonly #waiting: Sequence[] = [];
  /** In order of admission. */
  readonly #running = new Map<Slot, Running>();
  #steps = 0;
  #cancelled = new Set<string>();
  #active: Promise<void> | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#budget = {
      maxRows: options.engine.limits.maxRows,
      maxPrefillRowsBesideDecode: options.maxPrefillRowsBesideDecode,
    };
  }

  /** Takes a request in. Prompts that cannot be served get their error event at once. */
  accept(message: GenerateMessage): void {
    message.prompts.forEach((_, prompt) => {
      try {
        this.#waiting.push(this.#options.sequences.create(message, prompt));
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        const { code, message: text } = error;
        this.#options.send({ kind: 'error', requestId: message.requestId, prompt, code, message: text });
      }
    });
    this.#wake();
  }

  /** Ends all sequences of a request as cancelled, before the next step. */
  cancel(requestId: string): void {
    this.#cancelled.add(requestId);
    this.#wake();
  }

  /** By which the gateway tells whether this reader still works. */
  sendHeartbeat(): void {
    this.#options.send({ kind: 'heartbeat', running: this.#running.size, steps: this.#steps });
  }

  /** Resolves when everything accepted so far has ended. */
  async idle(): Promise<void> {
    while (this.#active !== undefined) await this.#active;
  }

  #wake(): void {
    this.#active ??= this.#run()
      .catch((error: unknown) => {
        this.#failAll(error);
        this.#options.onDefect(error);
      })
      .finally(() => {
        this.#active = undefined;
      });
  }

  async #run(): Promise<void> {
    for (;;) {
      // Lets messages that have arrived be read, also when the engine answers without leaving this thread.
      await nextTurn();
      this.#applyCancellations();
      this.#admit();
      if (this.#running.size === 0) {
        if (this.#waiting.length === 0 && this.#cancelled.size === 0) return;
        continue;
      }
      await this.#encodeSlice();
      await this.#step();
    }
  }

  #applyCancellations(): void {
    if (this.#cancelled.size === 0) return;
    const cancelled = this.#cancelled;
    this.#cancelled = new Set();
    for (const running of [...this.#running.values()])
      if (cancelled.has(running.sequence.requestId)) this.#end(running, 'cancelled');
    const kept = this.#waiting.filter((sequence) => !cancelled.has(sequence.requestId));
    const ended = this.#waiting.filter((sequence) => cancelled.has(sequence.requestId));
    this.#waiting.splice(0, this.#waiting.length, ...kept);
    for (const sequence of ended) this.#sendDone(sequence, 'cancelled');
  }

  /** The head of the queue waits until it fits, so that a long prompt is not overtaken for ever by short ones behind it. */
  #admit(): void {
    const { engine, kv } = this.#options;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!kv.canAdmit(next.kvDemand)) return;
      this.#waiting.shift();
      const handle = kv.admit(next.kvDemand);
      engine.begin(handle.slot, next.sampling);
      this.#running.set(handle.slot, { sequence: next, handle });
    }
  }

  /** One slice of vision work, for the first sequence that waits for an image nobody has encoded yet. */
  async #encodeSlice(): Promise<void> {
    for (const { sequence } of this.#running.values()) {
      for (let missing = sequence.missingImage; missing !== undefined; missing = sequence.missingImage) {
        const { images } = this.#options;
        if (images === null) throw new Defect('An image reached the loop of a model without a vision tower.');
        const features = images.get(missing.payload);
        if (features === undefined) {
          await images.advance(missing.payload);
          this.#steps += 1;
          return;
        }
        sequence.supply(missing, features);
      }
    }
  }

  async #step(): Promise<void> {
    const ready = [...this.#running].filter(([, { sequence }]) => sequence.missingImage === undefined);
    const { decode, prefill } = planStep(
      ready.map(([slot, { sequence }]) => ({ slot, promptRowsLeft: sequence.promptRowsLeft })),
      this.#budget,
    );
    const rows: StepRow[] = [];
    for (const slot of decode) rows.push(...this.#runningIn(slot).sequence.takeRows(slot, 1));
    for (const { slot, rows: count } of prefill)
      rows.push(...this.#runningIn(slot).sequence.takeRows(slot, count));
    if (rows.length === 0) return;
    const sampledTokens = await this.#options.engine.step(rows);
    this.#steps += 1;
    for (const sampled of sampledTokens) this.#emit(sampled);
  }

  #emit(sampled: SampledToken): void {
    const running = this.#runningIn(sampled.slot);
    const { text, logprobs, finishReason } = running.sequence.accept(sampled);
    const { requestId, prompt } = running.sequence;
    const told = logprobs.length === 0 ? {} : { logprobs };
    if (text !== '') this.#options.send({ kind: 'token', requestId, prompt, text, ...told });
    if (finishReason !== null) this.#end(running, finishReason);
  }

  #runningIn(slot: Slot): Running {
    const running = this.#running.get(slot);
    if (running === undefined) throw new Defect(`Slot ${slot} has no sequence.`);
    return running;
  }

  #end({ sequence, handle }: Running, finishReason: FinishReason): void {
    const { engine, kv } = this.#options;
    this.#running.delete(handle.slot);
    engine.end(handle.slot);
    kv.release(handle);
    this.#sendDone(sequence, finishReason);
  }

  #sendDone(sequence: Sequence, finishReason: FinishReason): void {
    const { requestId, prompt, usage } = sequence;
    this.#options.send({ kind: 'done', requestId, prompt, finishReason, usage });
  }

  #failAll(error: unknown): void {
    const reason = error instanceof TakeoffError ? String(error.code) : 'defect';
    const running = [...this.#running.values()].map(({ sequence }) => sequence);
    for (const { requestId, prompt } of [...running, ...this.#waiting]) {
      const event: RequestEvent = {
        kind: 'error',
        requestId,
        prompt,
        code: 'server.internal',
        message: `The reader failed (${reason}); its log has the details.`,
      };
      this.#options.send(event);
    }
    this.#running.clear();
    this.#waiting.length = 0;
  }
}

// The reader's one loop: receive → schedule → step → emit. Owns the queue, the slots and the KV cells of its engine, and
// promises one terminal event for every prompt it accepted. Engine calls never overlap; between two of them, cancellations
// take effect, so a client that went away frees its slot before the next step.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FinishReason } from 'takeoff-wire';
import { InputError, TakeoffError } from '../errors.js';
import type { FromReader } from '../link/messages.js';
import type { GenerateMessage, RequestEvent } from '../link/requests/messages.js';
import type { Engine, SampledToken, Slot, StepRow } from './engine/engine.js';
import { ImageStore } from './image-store.js';
import type { SequenceFactory } from './sequence-factory.js';
import { canAdmit, planStep, type RowBudget } from './schedule/plan.js';
import type { Sequence } from './sequence.js';

export interface LoopOptions {
  readonly engine: Engine;
  readonly sequences: SequenceFactory;
  readonly send: (event: FromReader) => void;
  /** Called once when the engine fails; every accepted prompt has had its terminal event by then. */
  readonly onDefect: (error: unknown) => void;
  readonly maxPrefillRowsBesideDecode: number;
  readonly imageCacheBytes: number;
}

export class ReaderLoop {
  readonly #options: LoopOptions;
  readonly #budget: RowBudget;
  readonly #images: ImageStore;
  readonly #waiting: Sequence[] = [];
  /** In order of admission. */
  readonly #running = new Map<Slot, Sequence>();
  readonly #freeSlots: Slot[];
  #freeCells: number;
  #steps = 0;
  #cancelled = new Set<string>();
  #active: Promise<void> | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
    const { limits } = options.engine;
    this.#budget = {
      maxRows: limits.maxRows,
      maxPrefillRowsBesideDecode: options.maxPrefillRowsBesideDecode,
    };
    this.#images = new ImageStore(options.engine, options.imageCacheBytes);
    this.#freeSlots = Array.from({ length: limits.maxSequences }, (_, slot) => slot);
    this.#freeCells = limits.cells;
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
    for (const [slot, sequence] of [...this.#running])
      if (cancelled.has(sequence.requestId)) this.#end(slot, sequence, 'cancelled');
    const kept = this.#waiting.filter((sequence) => !cancelled.has(sequence.requestId));
    const ended = this.#waiting.filter((sequence) => cancelled.has(sequence.requestId));
    this.#waiting.splice(0, this.#waiting.length, ...kept);
    for (const sequence of ended) this.#sendDone(sequence, 'cancelled');
  }

  /** First come, first served: a long prompt at the head is not overtaken for ever by short ones behind it. */
  #admit(): void {
    for (;;) {
      const next = this.#waiting[0];
      const slot = this.#freeSlots[0];
      if (next === undefined || slot === undefined) return;
      if (!canAdmit({ freeSlots: this.#freeSlots.length, freeCells: this.#freeCells }, next.claimedCells))
        return;
      this.#waiting.shift();
      this.#freeSlots.shift();
      this.#freeCells -= next.claimedCells;
      this.#options.engine.open(slot, next.sampling);
      this.#running.set(slot, next);
    }
  }

  /** One slice of vision work, for the first sequence that waits for an image nobody has encoded yet. */
  async #encodeSlice(): Promise<void> {
    for (const sequence of this.#running.values()) {
      for (let missing = sequence.missingImage; missing !== undefined; missing = sequence.missingImage) {
        const features = this.#images.get(missing.payload);
        if (features === undefined) {
          await this.#images.advance(missing.payload);
          this.#steps += 1;
          return;
        }
        sequence.supply(missing, features);
      }
    }
  }

  async #step(): Promise<void> {
    const ready = [...this.#running].filter(([, sequence]) => sequence.missingImage === undefined);
    const plan = planStep(
      ready.map(([slot, sequence]) => ({ id: slot, promptRowsLeft: sequence.promptRowsLeft })),
      this.#budget,
    );
    const rows: StepRow[] = [];
    for (const slot of plan.decode) rows.push(...(this.#running.get(slot)?.takeRows(slot, 1) ?? []));
    for (const { id: slot, rows: count } of plan.prefill)
      rows.push(...(this.#running.get(slot)?.takeRows(slot, count) ?? []));
    if (rows.length === 0) return;
    const sampledTokens = await this.#options.engine.step(rows);
    this.#steps += 1;
    for (const sampled of sampledTokens) this.#emit(sampled);
  }

  #emit(sampled: SampledToken): void {
    const sequence = this.#running.get(sampled.slot);
    if (sequence === undefined) return;
    const { text, finishReason } = sequence.accept(sampled);
    const { requestId, prompt } = sequence;
    if (text !== '') this.#options.send({ kind: 'token', requestId, prompt, text });
    if (finishReason !== null) this.#end(sampled.slot, sequence, finishReason);
  }

  #end(slot: Slot, sequence: Sequence, finishReason: FinishReason): void {
    this.#options.engine.release(slot);
    this.#running.delete(slot);
    this.#freeSlots.push(slot);
    this.#freeCells += sequence.claimedCells;
    this.#sendDone(sequence, finishReason);
  }

  #sendDone(sequence: Sequence, finishReason: FinishReason): void {
    const { requestId, prompt, usage } = sequence;
    this.#options.send({ kind: 'done', requestId, prompt, finishReason, usage });
  }

  #failAll(error: unknown): void {
    const reason = error instanceof TakeoffError ? String(error.code) : 'defect';
    for (const { requestId, prompt } of [...this.#running.values(), ...this.#waiting]) {
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

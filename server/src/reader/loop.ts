// The reader's one loop: receive → admit → encode a slice of an image → step → emit. Owns the queue of prompts and promises one
// terminal event for every prompt it accepted, as long as the engine works: with that the reader ends, and what it had belongs to
// whoever replaces readers, who knows which answers can begin anew. Engine and encoder calls never overlap; between two of them, cancellations take
// effect, so a client that went away frees its place before the next step. What the KV cache holds is for kv/ to know.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FinishReason } from 'takeoff-wire';
import { CapacityError, Defect, InputError } from '../errors.js';
import type { FromReader } from '../link/messages.js';
import type { GenerateMessage } from '../link/requests/messages.js';
import type { AnswerConstraint } from './constraint/answer-constraint.js';
import type { CompiledConstraint } from './constraint/constraints.js';
import type { LanguageEngine, SampledToken, SuspendedSampling } from './engine/engine.js';
import type { Slot } from './ids.js';
import type { KvHandle, KvOwner } from './kv/kv-owner.js';
import type { SequenceFactory } from './sequence-factory.js';
import { claimFor } from './kv/claim.js';
import { planStep, type RowBudget, type RunningSequence } from './schedule/plan.js';
import { WaitingQueue } from './schedule/waiting-queue.js';
import { StepTarget, type StepTargetSetting } from './schedule/step-target.js';
import { WorkPace } from './schedule/work-pace.js';
import type { Sequence, SequenceImage } from './sequence.js';
import { StageClock, type Stage } from './stage-clock.js';
import { WorkCounts } from './work-counts.js';
import type { ImageStore } from './vision/image-store.js';
import { ImageSupply } from './vision/image-supply.js';

export interface LoopOptions {
  readonly engine: LanguageEngine;
  readonly kv: KvOwner;
  /** Null for a model that takes no images. */
  readonly images: ImageStore | null;
  readonly sequences: SequenceFactory;
  readonly send: (event: FromReader) => void;
  /** Called once when the engine fails; nothing is said or done after that. */
  readonly onDefect: (error: unknown) => void;
  /** What a step should take in which answers go on: prompts get as many rows as fit, and images what such a step leaves. */
  readonly stepTargetMs: StepTargetSetting;
  /** Prompt rows of a step at most. */
  readonly prefillChunkRows: number;
  /** Milliseconds from any beginning, ever growing. */
  readonly clock: () => number;
}

/** Beside running answers, prompts go on by at least so many rows a step, however slow the machine is. */
const MIN_PREFILL_ROWS = 8;
/** Rows of the first step beside running answers. */
const FIRST_ROWS = 64;

/** A prompt that was accepted and has not ended. */
interface Accepted {
  readonly sequence: Sequence;
  readonly stages: StageClock;
}

interface Running extends Accepted {
  readonly handle: KvHandle;
}

/** A prompt that waits for a place. */
interface Waiting extends Accepted {
  /** Of one that was put back after it had begun. */
  readonly sampling: SuspendedSampling | null;
}

type Failed = Pick<Sequence, 'requestId' | 'prompt'> & Partial<Pick<Sequence, 'constraint'>>;

export class ReaderLoop {
  readonly #options: LoopOptions;
  readonly #waiting = new WaitingQueue<Waiting>();
  /** In order of admission. */
  readonly #running = new Map<Slot, Running>();
  readonly #stepPace = new WorkPace();
  readonly #target: StepTarget;
  readonly #images: ImageSupply;
  readonly #counts = new WorkCounts();
  #steps = 0;
  #lastAdapter: string | null = null;
  #maxRunning = Infinity;
  #cancelled = new Set<string>();
  /** Work that waits for the end of a step. */
  readonly #errands: (() => Promise<void>)[] = [];
  #active: Promise<void> | undefined;
  #hasFailed = false;

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#target = new StepTarget(options.stepTargetMs);
    this.#images = new ImageSupply(options);
  }

  /** Takes a request in, whose constraint was compiled before. Prompts that cannot be served get their error event at once. */
  accept(message: GenerateMessage, constraint: CompiledConstraint | null = null): void {
    message.prompts.forEach((_, prompt) => {
      try {
        const sequence = this.#options.sequences.create(message, prompt, constraint);
        this.#waiting.push(message.requestId, { sequence, stages: new StageClock(), sampling: null });
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        this.#sendError({ requestId: message.requestId, prompt }, error);
      }
    });
    this.#wake();
  }

  /** Ends all sequences of a request as cancelled, before the next step. */
  cancel(requestId: string): void {
    this.#cancelled.add(requestId);
    this.#wake();
  }

  /** No sequence is admitted while so many run; those that run go on. */
  limitRunning(maxRunning: number): void {
    this.#maxRunning = maxRunning;
    this.#wake();
  }

  /** Does work during which the engine must stand still, before the next step. */
  betweenSteps<Result>(work: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#errands.push(() => work().then(resolve, reject));
      this.#wake();
    });
  }

  /** By which the gateway tells whether this reader still works, and at what. */
  sendHeartbeat(): void {
    const { engine, kv, send } = this.#options;
    const running = this.#running.size;
    const next = this.#waiting.next(() => 0);
    const requiredCells = next === undefined ? 0 : claimFor(next.sequence.kvDemand);
    const { cellBytes } = engine;
    const counts = {
      ...this.#counts.totals,
      prompts: { running, waiting: this.#waiting.size },
      kv: { ...kv.counts, cellBytes, requiredCells },
      features: this.#images.counts,
    };
    send({ kind: 'heartbeat', running, steps: this.#steps, counts });
  }

  /** Resolves when everything accepted so far has ended. */
  async idle(): Promise<void> {
    while (this.#active !== undefined) await this.#active;
  }

  #wake(): void {
    if (this.#hasFailed) return;
    this.#active ??= this.#run()
      .catch((error: unknown) => {
        this.#hasFailed = true;
        this.#options.onDefect(error);
      })
      .finally(() => {
        this.#active = undefined;
        // What came when the last look was over, and this not yet.
        if (this.#hasWork) this.#wake();
      });
  }

  get #hasWork(): boolean {
    const waitingCount = this.#waiting.size + this.#cancelled.size + this.#errands.length;
    return this.#running.size + waitingCount > 0;
  }

  async #run(): Promise<void> {
    for (;;) {
      // Lets messages that have arrived be read, also when the engine answers without leaving this thread.
      await nextTurn();
      for (const errand of this.#errands.splice(0)) await errand();
      this.#applyCancellations();
      this.#admit();
      this.#shareRows();
      this.#noteStages();
      if (this.#running.size === 0) {
        if (!this.#hasWork) return;
        continue;
      }
      await this.#encodeSlice();
      this.#noteStages();
      await this.#step();
    }
  }

  #applyCancellations(): void {
    if (this.#cancelled.size === 0) return;
    const cancelled = this.#cancelled;
    this.#cancelled = new Set();
    for (const running of [...this.#running.values()])
      if (cancelled.has(running.sequence.requestId)) this.#end(running, 'cancelled');
    for (const requestId of cancelled) {
      for (const waiting of this.#waiting.remove(requestId)) {
        waiting.sampling?.discard();
        this.#sendDone(waiting, 'cancelled');
      }
    }
  }

  /** Whose turn it is waits until it fits, so that a long prompt is not overtaken for ever by short ones behind it. */
  #admit(): void {
    const { engine, kv } = this.#options;
    const running = new Map<string, number>();
    const count = (requestId: string): number => running.get(requestId) ?? 0;
    for (const { sequence } of this.#running.values())
      running.set(sequence.requestId, count(sequence.requestId) + 1);
    for (let next = this.#waiting.next(count); next !== undefined; next = this.#waiting.next(count)) {
      const { sequence, stages, sampling } = next;
      if (this.#running.size >= this.#maxRunning || !kv.canAdmit(sequence.kvDemand)) return;
      this.#waiting.take(count);
      const constraint = sampling === null ? this.#startConstraint(sequence) : null;
      if (constraint === undefined) continue;
      const handle = kv.admit(sequence.kvDemand);
      if (sampling === null) engine.begin(handle.slot, sequence.sampling, constraint);
      else engine.resume(handle.slot, sampling);
      this.#running.set(handle.slot, { sequence, stages, handle });
      running.set(sequence.requestId, count(sequence.requestId) + 1);
    }
  }

  /** Gives each answer a cell for its next row; where there is none, the sequence that started last makes room. */
  #growAnswers(): void {
    const { kv } = this.#options;
    for (const [slot, { sequence, handle }] of [...this.#running]) {
      while (this.#running.has(slot) && sequence.isDecoding && !kv.grow(handle)) this.#putBackYoungest();
    }
  }

  /** Its tokens so far are prompt when it starts again; the client has them already and gets none twice. */
  #putBackYoungest(): void {
    const { engine, kv } = this.#options;
    const youngest = [...this.#running.values()].at(-1);
    if (youngest === undefined || this.#running.size === 1)
      throw new Defect('The KV cache has no cell for the only sequence that runs.');
    const { sequence, stages, handle } = youngest;
    this.#counts.addPutBack(sequence.isDecoding ? 'decode' : 'prefill');
    this.#running.delete(handle.slot);
    const sampling = engine.suspend(handle.slot);
    kv.release(handle);
    sequence.restart();
    stages.enter('waiting', this.#options.clock());
    this.#waiting.putBack(sequence.requestId, { sequence, stages, sampling });
  }

  /** Rows that others have computed since the last step need not be computed again. */
  #shareRows(): void {
    for (const { sequence, handle } of this.#running.values()) {
      if (sequence.isDecoding) continue;
      this.#options.kv.share(handle);
      sequence.skipTo(handle.rows);
    }
  }

  #noteStages(): void {
    const nowMs = this.#options.clock();
    for (const { sequence, stages } of this.#running.values()) stages.enter(stageOf(sequence), nowMs);
  }

  /** Undefined when the constraint cannot be started; the sequence has its error then. */
  #startConstraint(sequence: Sequence): AnswerConstraint | null | undefined {
    try {
      return sequence.constraint?.start() ?? null;
    } catch (error) {
      if (!(error instanceof InputError || error instanceof CapacityError)) throw error;
      this.#sendError(sequence, error);
      return undefined;
    }
  }

  /** One slice of vision work, for the first sequence that waits for an image nobody has encoded yet. */
  async #encodeSlice(): Promise<void> {
    const { kv } = this.#options;
    let first: SequenceImage | undefined;
    for (const { sequence, handle } of this.#running.values()) {
      if (kv.isAwaitingRows(handle)) continue;
      // All of them, so that nobody whose features are there waits until those of another one are made.
      const missing = this.#images.supply(sequence);
      first ??= missing;
    }
    if (first === undefined) return;
    this.#counts.addVisionSlice(await this.#images.encode(first, this.#target.visionMs, this.#running));
    this.#steps += 1;
  }

  async #step(): Promise<void> {
    this.#growAnswers();
    const ready = this.#ready();
    const { adapter, decode, prefill } = planStep(ready, this.#budget(ready), this.#lastAdapter);
    const counts = [...decode.map((slot) => ({ slot, rows: 1 })), ...prefill];
    if (counts.length === 0) return;
    const rows = counts.flatMap(({ slot, rows: count }) =>
      this.#runningIn(slot).sequence.takeRows(slot, count),
    );
    const { clock, engine } = this.#options;
    const startMs = clock();
    const sampledTokens = await engine.step(rows, adapter);
    this.#lastAdapter = adapter;
    this.#steps += 1;
    const ms = clock() - startMs;
    const decodeRows = decode.length;
    const sampledCount = sampledTokens.length;
    this.#counts.addStep({
      decodeRows,
      prefillRows: rows.length - decodeRows,
      sampledTokens: sampledCount,
      ms,
    });
    this.#stepPace.note({ units: rows.length, ms }, rows.length === decodeRows ? 'small' : 'large');
    if (rows.length === decodeRows) this.#target.noteAlone(ms);
    for (const { slot } of counts) {
      const { sequence, handle } = this.#runningIn(slot);
      this.#options.kv.append(handle, sequence.rowKeysFrom(handle.rows));
    }
    for (const sampled of sampledTokens) this.#emit(sampled);
  }

  #budget(ready: readonly RunningSequence[]): RowBudget {
    const { engine, prefillChunkRows } = this.#options;
    const { maxRows, rowGroup } = engine.limits;
    const prompts = ready.filter(({ kind }) => kind === 'prefill');
    const isMixed = prompts.length > 0 && prompts.length < ready.length;
    const maxRowsBesideDecode = isMixed ? this.#pacedRows(prompts) : maxRows;
    return { maxRows, maxPrefillRows: prefillChunkRows, maxRowsBesideDecode, rowGroup };
  }

  #pacedRows(prompts: readonly RunningSequence[]): number {
    const withImages = prompts.some(({ slot }) => this.#runningIn(slot).sequence.imageRows > 0);
    return this.#stepPace.units({
      targetMs: this.#target.stepMs(withImages ? 'image' : 'text'),
      firstUnits: FIRST_ROWS,
      minUnits: MIN_PREFILL_ROWS,
      maxUnits: this.#options.engine.limits.maxRows,
    });
  }

  #ready(): RunningSequence[] {
    const ready: RunningSequence[] = [];
    for (const [slot, { sequence, handle }] of this.#running) {
      const { adapter } = sequence;
      if (sequence.isDecoding) ready.push({ slot, adapter, kind: 'decode' });
      else if (!this.#options.kv.isAwaitingRows(handle))
        ready.push({ slot, adapter, kind: 'prefill', rowsReady: sequence.rowsReady });
    }
    return ready;
  }

  #emit(sampled: SampledToken): void {
    const running = this.#runningIn(sampled.slot);
    if (sampled.failure !== undefined) {
      this.#fail(running, sampled.failure);
      return;
    }
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

  #end(running: Running, finishReason: FinishReason): void {
    this.#release(running);
    this.#sendDone(running, finishReason);
  }

  #fail(running: Running, failure: InputError): void {
    this.#release(running);
    this.#sendError(running.sequence, failure);
  }

  #release({ handle }: Running): void {
    const { engine, kv } = this.#options;
    this.#running.delete(handle.slot);
    engine.end(handle.slot);
    kv.release(handle);
  }

  /** What fails once it is a sequence fails over its constraint. */
  #sendError({ requestId, prompt, constraint }: Failed, { code, message }: InputError | CapacityError): void {
    const about = constraint == null ? {} : { field: constraint.field };
    this.#options.send({ kind: 'error', requestId, prompt, code, message, ...about });
  }

  #sendDone({ sequence, stages }: Accepted, finishReason: FinishReason): void {
    const { requestId, prompt, usage, constraint } = sequence;
    const compiled = constraint === null ? {} : { constraintMs: constraint.compileMs };
    const times = stages.stop(this.#options.clock());
    this.#options.send({ kind: 'done', requestId, prompt, finishReason, usage, times, ...compiled });
  }
}

function stageOf(sequence: Sequence): Stage {
  if (sequence.isDecoding) return 'decode';
  return sequence.missingImage === undefined ? 'prefill' : 'vision';
}

// Keeps one reader running: starts it, follows its state, starts it again when it dies, lets it finish or ends it when it is to
// go. Its requests are told when it is lost; nothing is retried here.
import { CapacityError, Defect, ReaderError } from '../../errors.js';
import {
  shownDevice,
  type LogEvent,
  type ReaderCard,
  type ReaderStart,
} from '../../link/lifecycle/messages.js';
import { ReaderPulse, TICK_MS } from '../../link/lifecycle/pulse.js';
import type { ReaderCounts } from '../../link/lifecycle/reader-counts.js';
import type { FromReader } from '../../link/messages.js';
import type { GenerateMessage, RequestEvent } from '../../link/requests/messages.js';
import type { Question } from '../../link/requests/questions.js';
import type { ReaderSecrets } from '../../link/secrets.js';
import { identifyVision, type CancelReason, type SubmissionListener } from '../answer/consumer-group.js';
import type { StallLimits } from '../stall-limits.js';
import type { AnswerTo, QuestionOf } from '../answer/reader-questions.js';
import { nativeDeathIn } from './native-death.js';
import { OpenQuestions } from './open-questions.js';
import { OpenRequests } from './open-requests.js';
import type { LaunchReader, ReaderProcess } from './reader-process.js';
import { isTransition, validateTransition, type ReaderState } from './reader-state.js';
import { GIVEN_UP_SENTENCE, RestartPolicy, UNREACHABLE_CODE } from './restart-policy.js';

export type LogLevel = LogEvent['level'];

export interface SupervisorOptions {
  readonly start: ReaderStart;
  readonly secrets: ReaderSecrets;
  readonly buffersRequests: boolean;
  readonly launch: LaunchReader;
  readonly onState: (state: ReaderState) => void;
  readonly onLog: (level: LogLevel, message: string) => void;
  /** How long a live reader may hang. */
  readonly limits: StallLimits;
  /** From 0 to 1; for the jitter of restarts. */
  readonly random: () => number;
}

const OUT_OF_MEMORY_CODE = 'native.out_of_memory';
/** A cache of a quarter that is still too large is not what the memory is needed for. */
const MAX_KV_HALVINGS = 2;

/** A reader without work frees its memory within milliseconds; this is for one that hangs instead of ending. */
const IDLE_EXIT_MS = 2_000;

export class ReaderSupervisor {
  readonly #options: SupervisorOptions;
  readonly #open = new OpenRequests();
  readonly #questions = new OpenQuestions();
  readonly #restarts: RestartPolicy;
  #state: ReaderState = { kind: 'starting' };
  #process: ReaderProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #idleExit: NodeJS.Timeout | undefined;
  #pulse: ReaderPulse | undefined;
  #ticking: NodeJS.Timeout | undefined;
  #batchLimit: number | undefined;
  /** What took the place of those that the reader was configured with. */
  #changedLoras: ReaderStart['loras'] | undefined;
  #lastHeartbeatMs: number | null = null;
  #restartCount = 0;
  #counts: ReaderCounts | null = null;
  #lastWords: { readonly code: string; readonly message: string } | undefined;
  /** How often memory ran out. */
  #memoryFailures = 0;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#restarts = new RestartPolicy({ random: options.random, nowMs: () => performance.now() });
  }

  get readerId(): string {
    return this.#options.start.readerId;
  }

  get buffersRequests(): boolean {
    return this.#options.buffersRequests;
  }

  get modelName(): string {
    return this.#options.start.modelName;
  }

  /** As configured until the reader is live; then what it computes on. */
  get device(): string {
    const state = this.#state;
    return state.kind === 'live' || state.kind === 'draining'
      ? state.card.device
      : shownDevice(this.#options.start);
  }

  get maxBatchSize(): number {
    const loaded = hasModel(this.#state) ? this.#state.card.maxSequences : this.#options.start.maxBatchSize;
    return Math.min(loaded, this.#batchLimit ?? loaded);
  }

  /** Adapters that requests may name once the reader is live. */
  get loras(): readonly string[] {
    if (this.#changedLoras === undefined && hasModel(this.#state)) return this.#state.card.loras;
    return Object.keys(this.#changedLoras ?? this.#options.start.loras);
  }

  get lastHeartbeatMs(): number | null {
    return this.#lastHeartbeatMs;
  }

  get restarts(): number {
    return this.#restartCount;
  }

  get state(): ReaderState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get openPrompts(): number {
    return this.#open.promptCount;
  }

  get counts(): ReaderCounts | null {
    return this.#counts;
  }

  /** To be called once. */
  start(): void {
    this.#options.onState(this.#state);
    this.#launch();
  }

  /** Each prompt ends in one terminal event, or the listener learns that the reader is lost. To be called while it is live. */
  generate(message: GenerateMessage, listener: SubmissionListener): void {
    if (this.#state.kind !== 'live' || this.#process === undefined)
      throw new Defect(`A request was handed to reader ${this.readerId}, which is ${this.#state.kind}.`);
    this.#open.add(message, listener);
    this.#process.connection.send(message);
  }

  /** The listener still gets the terminal events of the request. A stall ends the reader if its engine hangs. */
  cancel(requestId: string, reason: CancelReason): void {
    if (!this.#open.has(requestId)) return;
    if (reason === 'stalled') this.#pulse?.suspect();
    this.#process?.connection.send({ kind: 'cancel', requestId });
  }

  /** From now on no more answers than these begin at the same time; those that run go on. It cannot have more than it was loaded for. */
  limitBatch(maxBatchSize: number): void {
    this.#batchLimit = maxBatchSize;
    if (this.#state.kind === 'live') this.#sendBatchLimit();
  }

  /**
   * Has the reader load and let go of adapters until it has these, now and whenever it is started again. Answers that run go on.
   * @throws InputError request.reader_invalid when one cannot be loaded; CapacityError, ReaderError as `ask`. Nothing has changed then.
   */
  async changeLoras(loras: ReaderStart['loras']): Promise<void> {
    await this.ask({ kind: 'adapters', loras });
    this.#changedLoras = loras;
  }

  /** @throws CapacityError, InputError, ReaderError: see `ReaderQuestions` */
  async ask<Kind extends Question['kind']>(question: QuestionOf<Kind>): Promise<AnswerTo<Kind>> {
    const connection = this.#process?.connection;
    if (this.#state.kind !== 'live' || connection === undefined) throw notLive(this.readerId, this.#state);
    return this.#questions.ask(question, (message) => connection.send(message));
  }

  /** Takes no new request, finishes those that it has, then ends for good. Resolves when its process is gone. */
  async drain(): Promise<void> {
    const state = this.#state;
    // In every other state it has no work that it could finish.
    if (state.kind !== 'live' && state.kind !== 'draining') return this.stop();
    if (state.kind === 'live') {
      this.#enter({ kind: 'draining', card: state.card });
      this.#process?.connection.send({ kind: 'drain' });
      this.#expectExitWhenIdle();
    }
    await this.#process?.ended;
  }

  /** Ends the reader for good; requests that are still open are lost. Resolves when its process is gone. */
  async stop(): Promise<void> {
    const process = this.#process;
    const hadLoaded = this.#state.kind === 'live' || this.#state.kind === 'draining';
    if (this.#state.kind !== 'stopped') this.#enter({ kind: 'stopped' });
    clearTimeout(this.#restart);
    if (process === undefined) return;
    // Lets a reader without work close its devices; one that is loading or busy has nothing worth waiting for.
    if (hadLoaded && this.#open.promptCount === 0) {
      process.connection.send({ kind: 'drain' });
      this.#expectExitWhenIdle();
    } else {
      process.kill();
    }
    await process.ended;
  }

  #launch(): void {
    const { launch, start, secrets, onLog } = this.#options;
    this.#lastWords = undefined;
    const loras = this.#changedLoras ?? start.loras;
    const process = launch({ ...start, loras, kvHalvings: this.#memoryFailures }, secrets, (line) => {
      this.#lastWords ??= nativeDeathIn(line);
      onLog('warn', line);
    });
    this.#process = process;
    process.connection.onMessage((message) => this.#receive(message));
    let closeReason = '';
    // A reader that cannot be heard is dead even if its process is not.
    process.connection.onClose((reason) => {
      closeReason = `${reason}; `;
      process.kill();
    });
    void process.ended.then((reason) => this.#ended(closeReason + reason));
  }

  #receive(message: FromReader): void {
    this.#pulse?.hear(message);
    switch (message.kind) {
      case 'token':
      case 'done':
      case 'error':
        this.#deliver(message);
        break;
      case 'answer':
      case 'refusal':
        this.#questions.deliver(message);
        break;
      case 'loading':
        // A reader that says so at another time is not believed; neither is one that becomes ready twice.
        if (!isTransition(this.#state.kind, 'loading')) break;
        this.#restarts.noteLoading(message.stage, message.fraction);
        this.#enter(message);
        break;
      case 'ready':
        if (isTransition(this.#state.kind, 'live')) this.#becomeLive(message.card);
        break;
      case 'failed':
        this.#lastWords = message;
        break;
      case 'log':
        this.#options.onLog(message.level, message.message);
        break;
      case 'heartbeat':
        this.#counts = message.counts;
        this.#lastHeartbeatMs = Date.now();
        break;
    }
  }

  #deliver(event: RequestEvent): void {
    if (event.kind === 'done' && event.finishReason !== 'cancelled') this.#restarts.noteAnswer();
    this.#open.deliver(event);
    if (this.#state.kind === 'draining') this.#expectExitWhenIdle();
  }

  #becomeLive(card: ReaderCard): void {
    this.#watchPulse();
    this.#enter({ kind: 'live', card, vision: card.vision === null ? null : identifyVision(card.vision) });
    this.#sendBatchLimit();
  }

  #sendBatchLimit(): void {
    if (this.#batchLimit === undefined) return;
    this.#process?.connection.send({ kind: 'limit', maxBatchSize: this.#batchLimit });
  }

  /** From now on a reader that hangs is ended, and replaced as any that died. */
  #watchPulse(): void {
    const { limits } = this.#options;
    const tickMs = limits.heartbeatCheckMs ?? TICK_MS;
    const pulse = new ReaderPulse(limits, tickMs);
    this.#pulse = pulse;
    if (tickMs === 0) return;
    this.#ticking = setInterval(() => {
      const reason = pulse.tick();
      if (reason === undefined) return;
      clearInterval(this.#ticking);
      this.#lastWords = { code: 'reader.stalled', message: `The reader was ended because ${reason}.` };
      this.#process?.kill();
    }, tickMs);
  }

  /** It has been asked to drain: without work there is nothing that it could still wait for. */
  #expectExitWhenIdle(): void {
    if (this.#open.promptCount > 0) return;
    this.#idleExit ??= setTimeout(() => this.#process?.kill(), IDLE_EXIT_MS);
  }

  /** The process is gone. */
  #ended(exitReason: string): void {
    clearInterval(this.#ticking);
    clearTimeout(this.#idleExit);
    const wasLive = this.#pulse !== undefined;
    this.#pulse = undefined;
    this.#counts = null;
    this.#process = undefined;
    this.#lastHeartbeatMs = null;
    // Its state first: whoever is told of the loss may look for another reader at once.
    if (this.#state.kind === 'draining') this.#enter({ kind: 'stopped' });
    else if (this.#state.kind !== 'stopped') this.#die(exitReason, wasLive);
    this.#open.loseAll(exitReason);
    this.#questions.loseAll(exitReason);
  }

  #die(exitReason: string, wasLive: boolean): void {
    const { code, message } = this.#lastWords ?? { code: 'reader.died', message: exitReason };
    if (code === OUT_OF_MEMORY_CODE) this.#memoryFailures += 1;
    const isTooLarge = this.#memoryFailures > MAX_KV_HALVINGS;
    const restartInMs = isTooLarge ? null : this.#restarts.delayAfterDeathMs(code, wasLive);
    this.#enter({ kind: 'dead', code, reason: message + this.#outlook(code, restartInMs), restartInMs });
    if (restartInMs === null) return;
    this.#restart = setTimeout(() => {
      this.#restartCount += 1;
      this.#enter({ kind: 'starting' });
      this.#launch();
    }, restartInMs);
  }

  /** What comes next, where the code alone does not say it. */
  #outlook(code: string, restartInMs: number | null): string {
    if (code === UNREACHABLE_CODE && restartInMs === null) return ` ${GIVEN_UP_SENTENCE}`;
    if (code !== OUT_OF_MEMORY_CODE) return '';
    return restartInMs === null
      ? ` This happened ${this.#memoryFailures} times, the last time with a KV cache of a quarter, so the reader is not started again: set page_cache_size, max_batch_size, gpu_layers or quant_type lower.`
      : ' It is started again with a KV cache of half the size.';
  }

  #enter(state: ReaderState): void {
    validateTransition(this.#state.kind, state.kind);
    this.#state = state;
    this.#options.onState(state);
  }
}

const RETRY_AFTER_MS = 1_000;

const hasModel = (state: ReaderState): state is Extract<ReaderState, { readonly card: ReaderCard }> =>
  state.kind === 'live' || state.kind === 'draining';

const notLive = (readerId: string, state: ReaderState): CapacityError | ReaderError => {
  const name = JSON.stringify(readerId);
  if (state.kind === 'dead' && state.restartInMs === null) {
    return new ReaderError(
      'group.failed',
      `Reader ${name} cannot be served (${state.code}). The operator must act: the server's log and /status on its management port have the reason.`,
    );
  }
  return new CapacityError(
    'group.unavailable',
    `Reader ${name} is not live at this moment (${state.kind}). /status shows when it is.`,
    RETRY_AFTER_MS,
  );
};

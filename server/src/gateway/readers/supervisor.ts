// Keeps one reader running: starts it, follows its state, starts it again with growing delays when it dies, ends it on close.
// Its requests are told when it is lost; nothing is retried here.
import type { LogEvent, ReaderCard, ReaderStart } from '../../link/lifecycle/messages.js';
import type { FromReader } from '../../link/messages.js';
import type { GenerateMessage } from '../../link/requests/messages.js';
import type { ReaderSecrets } from '../../link/secrets.js';
import { Defect } from '../../errors.js';
import { identifyVision, type CancelReason, type SubmissionListener } from '../answer/consumer-group.js';
import { OpenRequests } from './open-requests.js';
import { ReaderPulse, TICK_MS } from './pulse.js';
import type { LaunchReader, ReaderProcess } from './reader-process.js';
import { isPermanentFailure, restartDelayMs, type ReaderState } from './reader-state.js';
import type { StallLimits } from '../stall-limits.js';

export type LogLevel = LogEvent['level'];

export interface SupervisorOptions {
  readonly start: ReaderStart;
  readonly secrets: ReaderSecrets;
  readonly consumerGroup: string;
  readonly launch: LaunchReader;
  readonly onState: (state: ReaderState) => void;
  readonly onLog: (level: LogLevel, message: string) => void;
  /** How long a live reader may hang. */
  readonly limits: StallLimits;
  /** From 0 to 1; for the jitter of restarts. */
  readonly random: () => number;
}

/** A reader that lived this long was healthy: its death starts the delays anew. */
const HEALTHY_AFTER_MS = 60_000;

export class ReaderSupervisor {
  readonly #options: SupervisorOptions;
  readonly #open = new OpenRequests();
  #state: ReaderState = { kind: 'stopped' };
  #process: ReaderProcess | undefined;
  #liveSinceMs: number | undefined;
  #failures = 0;
  #restart: NodeJS.Timeout | undefined;
  #pulse: ReaderPulse | undefined;
  #ticking: NodeJS.Timeout | undefined;
  #lastWords: { readonly code: string; readonly message: string } | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  get readerId(): string {
    return this.#options.start.readerId;
  }

  get consumerGroup(): string {
    return this.#options.consumerGroup;
  }

  get modelName(): string {
    return this.#options.start.modelName;
  }

  get device(): string {
    return this.#options.start.device;
  }

  get maxBatchSize(): number {
    return this.#options.start.maxBatchSize;
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

  start(): void {
    const { launch, start, secrets, onLog } = this.#options;
    const process = launch(start, secrets, (line) => onLog('warn', line));
    this.#process = process;
    this.#lastWords = undefined;
    this.#liveSinceMs = undefined;
    this.#enter({ kind: 'starting' });
    process.connection.onMessage((message) => this.#receive(message));
    let closeReason = '';
    // A reader that cannot be heard is dead even if its process is not.
    process.connection.onClose((reason) => {
      closeReason = `${reason}; `;
      process.kill();
    });
    void process.ended.then((reason) => this.#died(closeReason + reason));
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

  /** Ends the reader; requests that are still open are lost. Resolves when the process is gone. */
  async stop(): Promise<void> {
    const process = this.#process;
    const wasLive = this.#state.kind === 'live';
    this.#enter({ kind: 'stopped' });
    clearTimeout(this.#restart);
    if (process === undefined) return;
    // Lets an idle reader close its devices; one that is loading or busy has nothing worth waiting for.
    if (wasLive && this.#open.promptCount === 0) {
      process.connection.send({ kind: 'drain' });
      const timer = setTimeout(() => process.kill(), DRAIN_IDLE_MS);
      await process.ended;
      clearTimeout(timer);
    } else {
      process.kill();
      await process.ended;
    }
    this.#open.loseAll('the server shut down');
  }

  #receive(message: FromReader): void {
    this.#pulse?.hear(message);
    switch (message.kind) {
      case 'token':
      case 'done':
      case 'error':
        this.#open.deliver(message);
        break;
      case 'loading':
        if (this.#state.kind === 'starting' || this.#state.kind === 'loading') this.#enter(message);
        break;
      case 'ready':
        if (this.#state.kind === 'stopped') break;
        this.#liveSinceMs = performance.now();
        this.#watchPulse();
        this.#enterLive(message.card);
        break;
      case 'failed':
        this.#lastWords = message;
        break;
      case 'log':
        this.#options.onLog(message.level, message.message);
        break;
      case 'heartbeat':
        break; // the pulse has heard it
    }
  }

  /** From now on a reader that hangs is ended, and replaced as any that died. */
  #watchPulse(): void {
    const pulse = new ReaderPulse(this.#options.limits);
    this.#pulse = pulse;
    clearInterval(this.#ticking);
    this.#ticking = setInterval(() => {
      const reason = pulse.tick();
      if (reason === undefined) return;
      clearInterval(this.#ticking);
      this.#lastWords = { code: 'reader.stalled', message: `The reader was ended because ${reason}.` };
      this.#process?.kill();
    }, TICK_MS);
  }

  #died(exitReason: string): void {
    clearInterval(this.#ticking);
    this.#pulse = undefined;
    const { code, message } = this.#lastWords ?? { code: 'reader.died', message: exitReason };
    this.#process = undefined;
    if (this.#state.kind === 'stopped') return;
    const wasHealthy =
      this.#liveSinceMs !== undefined && performance.now() - this.#liveSinceMs >= HEALTHY_AFTER_MS;
    this.#failures = wasHealthy ? 1 : this.#failures + 1;
    const isPermanent = this.#liveSinceMs === undefined && isPermanentFailure(code);
    const restartInMs = isPermanent ? null : restartDelayMs(this.#failures, this.#options.random());
    this.#enter({ kind: 'dead', code, reason: message, restartInMs });
    if (restartInMs !== null) this.#restart = setTimeout(() => this.start(), restartInMs);
    this.#open.loseAll(exitReason);
  }

  #enterLive(card: ReaderCard): void {
    const vision = card.vision === null ? null : identifyVision(card.vision);
    this.#enter({ kind: 'live', card, vision });
  }

  #enter(state: ReaderState): void {
    this.#state = state;
    this.#options.onState(state);
  }
}

/** An idle reader frees its memory within milliseconds; this is for one that hangs. */
const DRAIN_IDLE_MS = 2_000;

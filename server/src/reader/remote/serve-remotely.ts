// A reader without a gateway, from its settings to its end: loads the model, joins the groups in Redis, shows its lease, takes requests
// until it is told to drain. Loading may take minutes in which gateways already see how far it is.
import { setTimeout as delay } from 'node:timers/promises';
import type { LogEvent, ReaderCard, ReaderStart } from '../../link/lifecycle/messages.js';
import { ReaderPulse, type PulseLimits } from '../../link/lifecycle/pulse.js';
import { VERSIONS, type FromReader } from '../../link/messages.js';
import {
  BEAT_MS,
  LEASE_MS,
  writeReaderLease,
  type LeaseState,
  type ReaderLease,
} from '../../link/redis/leases.js';
import { GROUPS_KEY, keysOf, newProcessName } from '../../link/redis/keys.js';
import { parseControl } from '../../link/redis/messages.js';
import { OwnStreams } from '../../link/redis/own-streams.js';
import { Presence } from '../../link/redis/presence.js';
import { isRedisTrouble, RedisConnection } from '../../link/redis/redis-connection.js';
import type { RedisAddress } from '../../link/redis/redis-address.js';
import { LEFTOVER_MS } from '../../link/redis/scripts.js';
import type { ReaderSecrets } from '../../link/secrets.js';
import { openReader } from '../open-reader.js';
import type { ReaderServing } from '../serve.js';
import { RemoteReader } from './remote-reader.js';
import { WorkSource } from './work-source.js';

/** For the last events of a reader that failed, if Redis is away. */
const LAST_WORDS_MS = 2_000;

export interface RemoteServingOptions {
  readonly address: RedisAddress;
  readonly start: ReaderStart;
  readonly secrets: ReaderSecrets;
  readonly consumerGroups: readonly string[];
  /** How long its engine may hang before it ends, so that another process takes its place. */
  readonly limits: PulseLimits;
  readonly onLog: (level: LogEvent['level'], message: string) => void;
  /** Told while the model is loaded. */
  readonly onLoading: (stage: string, fraction: number | null) => void;
}

export class RemoteServing {
  readonly #options: RemoteServingOptions;
  readonly #name: string;
  readonly #presence: Presence;
  readonly #commands: RedisConnection;
  readonly #leases: RedisConnection;
  readonly #waiting: RedisConnection;
  readonly #controls: OwnStreams;
  #state: LeaseState;
  #beat = 0;
  #reader: RemoteReader | undefined;
  #work: WorkSource | undefined;
  #serving: ReaderServing | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pulse: ReaderPulse | undefined;
  #hang: () => void = () => undefined;
  /** Resolves with an exit code when its engine hangs. */
  readonly #hangs = new Promise<number>((resolve) => {
    this.#hang = () => resolve(1);
  });
  /** When gateways were told of the state last. */
  #leaseWrittenMs = -Infinity;

  constructor(options: RemoteServingOptions) {
    const { address, start, consumerGroups, onLog } = options;
    this.#options = options;
    this.#name = newProcessName(start.readerId);
    const { modelName, device } = start;
    this.#state = { kind: 'loading', modelName, device, stage: 'starting', fraction: null };
    this.#presence = new Presence({
      log: { info: (message) => onLog('info', message), warn: (message) => onLog('warn', message) },
      onBeat: () => this.#writeAndRenew(),
      onUp: () => this.#work?.noteLoss(),
    });
    this.#commands = new RedisConnection(address, this.#presence.listener);
    this.#leases = new RedisConnection(address);
    this.#waiting = new RedisConnection(address);
    const controls = new Map(consumerGroups.map((group) => [keysOf(group).control(this.#name), group]));
    this.#controls = new OwnStreams({
      connection: new RedisConnection(address),
      streams: [...controls.keys()],
      onMessage: (stream, text) => this.#control(controls.get(stream) ?? '', text),
    });
  }

  /** Whether the model is loaded and gateways know it. */
  get isReady(): boolean {
    const isLeaseWritten =
      this.#presence.downMs === null && performance.now() - this.#leaseWrittenMs < LEASE_MS;
    return this.#state.kind === 'live' && isLeaseWritten;
  }

  get isLoading(): boolean {
    return this.#state.kind === 'loading';
  }

  /** Serves until the reader has drained or failed. @returns the exit code @throws what keeps the model from being loaded */
  async serve(): Promise<number> {
    const { start, secrets, consumerGroups } = this.#options;
    this.#timer = setInterval(() => this.#tick(), BEAT_MS);
    try {
      const serving = await openReader(start, secrets, (message) => this.#hear(message));
      this.#serving = serving;
      this.#work?.start();
      this.#controls.start();
      await this.#presence.beat();
      const code = await Promise.race([serving.ended, this.#hangs]);
      this.#options.onLog('info', `the reader of ${consumerGroups.join(', ')} ends`);
      return code;
    } finally {
      await this.#leave();
    }
  }

  /** Takes no new request, finishes what has begun; `serve` resolves then. */
  async drain(): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'live') return;
    this.#state = { kind: 'draining', card: state.card };
    void this.#presence.beat();
    const taken = this.#work?.stop();
    await this.#reader?.drain();
    await taken;
    this.#serving?.receive({ kind: 'drain' });
  }

  #tick(): void {
    const why = this.#pulse?.tick();
    if (why !== undefined) {
      this.#options.onLog('error', `The reader ends because ${why} (reader.stalled).`);
      this.#hang();
    }
    this.#reader?.tick();
    void this.#presence.beat();
  }

  #hear(message: FromReader): void {
    this.#pulse?.hear(message);
    switch (message.kind) {
      case 'loading':
        this.#setLoading(message.stage, message.fraction);
        break;
      case 'ready':
        this.#becomeLive(message.card);
        break;
      case 'failed':
        this.#options.onLog('error', `${message.message} (${message.code})`);
        break;
      case 'log':
        this.#options.onLog(message.level, message.message);
        break;
      default:
        this.#reader?.hear(message);
    }
  }

  #setLoading(stage: string, fraction: number | null): void {
    if (this.#state.kind !== 'loading') return;
    this.#state = { ...this.#state, stage, fraction };
    this.#options.onLoading(stage, fraction);
  }

  #becomeLive(card: ReaderCard): void {
    const { consumerGroups: groups, onLog } = this.#options;
    const commands = this.#commands;
    const reader = new RemoteReader({
      commands,
      presence: this.#presence,
      reader: this.#name,
      card,
      hand: (message) => this.#serving?.receive(message),
      onRoom: () => this.#work?.noteRoom(),
      onWarning: (message) => onLog('warn', message),
    });
    this.#reader = reader;
    this.#work = new WorkSource({
      waiting: this.#waiting,
      commands,
      reader: this.#name,
      groups,
      hasRoom: () => reader.hasRoom,
      onEntry: (entry, deliveries) => reader.accept(entry, deliveries),
      onBadEntry: (stream) => onLog('warn', `an entry of ${stream} is no request and was deleted`),
    });
    this.#pulse = new ReaderPulse(this.#options.limits);
    this.#state = { kind: 'live', card };
    this.#leaseWrittenMs = -Infinity;
  }

  #control(group: string, text: string | undefined): void {
    const message = text === undefined ? undefined : parseControl(text);
    if (message === undefined) this.#options.onLog('warn', 'a control message cannot be understood');
    else this.#reader?.control(group, message);
  }

  async #writeAndRenew(): Promise<void> {
    this.#beat += 1;
    const state = this.#state;
    const lease = writeReaderLease(this.#lease());
    for (const group of this.#options.consumerGroups) {
      const keys = keysOf(group);
      await Promise.all([
        this.#leases.send(['SET', keys.reader(this.#name), lease, 'PX', String(LEASE_MS)]),
        this.#leases.send(['SADD', keys.readers, this.#name]),
        this.#leases.send(['SADD', GROUPS_KEY, group]),
        this.#leases.send(['PEXPIRE', keys.placed(this.#name), String(LEFTOVER_MS)]),
      ]);
    }
    if (this.#state === state) this.#leaseWrittenMs = performance.now();
    const reader = this.#reader;
    if (reader === undefined) return;
    await reader.beat();
    if (this.#presence.mayJudge && reader.hasRoom) await this.#work?.claim(Math.max(1, reader.freePlaces));
  }

  #lease(): ReaderLease {
    const { start, consumerGroups } = this.#options;
    const reader = this.#reader;
    return {
      readerId: start.readerId,
      consumerGroups: consumerGroups,
      maxBatchSize: start.maxBatchSize,
      requests: VERSIONS.requests,
      state: this.#state,
      beat: this.#beat,
      freePlaces: reader?.freePlaces ?? 0,
      openPrompts: reader?.openPrompts ?? 0,
      counts: reader?.heartbeat?.counts ?? null,
      tiles: reader?.tiles ?? [],
    };
  }

  /** Gateways need not wait until the lease ends by itself. */
  async #leave(): Promise<void> {
    clearInterval(this.#timer);
    await this.#presence.idle();
    try {
      await Promise.race([this.#reader?.flush(), delay(LAST_WORDS_MS, undefined, { ref: false })]);
      for (const group of this.#options.consumerGroups)
        await this.#leases.send(['UNLINK', keysOf(group).reader(this.#name)]);
    } catch (error) {
      if (!isRedisTrouble(error)) throw error;
    }
    await Promise.all([
      this.#commands.close(),
      this.#leases.close(),
      this.#waiting.close(),
      this.#controls.close(),
    ]);
  }
}

// Gateways and readers of the product around the model of Redis, one move at a time: what a process does next, what Redis executes next and
// who is told of it next, the test decides. The engine behind a reader is a few words. Needs fake timers.
import { GroupQueue } from '../../server/src/gateway/remote/group-queue.js';
import { RemoteGroup } from '../../server/src/gateway/remote/remote-group.js';
import type { AttemptEnd } from '../../server/src/gateway/answer/consumer-group.js';
import { doneOf, messageOf, tokenOf } from '../../server/src/gateway/answer/message.fixture.js';
import { CARD } from '../../server/src/gateway/readers/scripted-reader.fixture.js';
import type { ToReader } from '../../server/src/link/messages.js';
import { VERSIONS } from '../../server/src/link/messages.js';
import { keysOf } from '../../server/src/link/redis/keys.js';
import { writeReaderLease } from '../../server/src/link/redis/leases.js';
import { parseControl } from '../../server/src/link/redis/messages.js';
import { Presence } from '../../server/src/link/redis/presence.js';
import type { RequestEvent } from '../../server/src/link/requests/messages.js';
import { visionKeyOf } from '../../server/src/model/description.js';
import { RemoteReader } from '../../server/src/reader/remote/remote-reader.js';
import { WorkSource } from '../../server/src/reader/remote/work-source.js';
import { ModelConnection, ModelRedis } from './model-redis.js';

export const KEYS = keysOf('g');
const TOKENS = 2;
const PLACES = 2;
const SILENT = { info: () => undefined, warn: () => undefined };
const VISION_KEY = CARD.vision === null ? null : visionKeyOf(CARD.vision);
const TILES = Uint8Array.of(1, 2, 3);

/** What the client of a request was shown. */
export interface Shown {
  readonly id: string;
  readonly gateway: ModelGateway;
  readonly events: RequestEvent[];
  readonly ends: AttemptEnd[];
  isCancelled: boolean;
}

export class ModelGateway {
  readonly name: string;
  readonly group: RemoteGroup;
  readonly presence: Presence;
  readonly connection: ModelConnection;
  readonly #world: ModelWorld;
  isAlive = true;

  constructor(world: ModelWorld, name: string) {
    this.#world = world;
    this.name = name;
    this.connection = new ModelConnection(world.redis);
    const queue = new GroupQueue({
      connection: this.connection,
      group: 'g',
      gateway: name,
      maxQueuedRequests: 100,
    });
    this.group = new RemoteGroup({ name: 'g', queue, reservedWaitMs: 600_000, onWarning: world.warn });
    this.presence = new Presence({
      log: SILENT,
      onBeat: () => this.#look(),
      onDown: () => this.group.noteOutage(0),
    });
  }

  submit(id: string, hasImage: boolean): Shown {
    const shown: Shown = { id, gateway: this, events: [], ends: [], isCancelled: false };
    const image = { sha256: 'upload', widthPx: 1, heightPx: 1, sidePx: 1, tiles: TILES };
    const message = { ...messageOf(1, id), images: hasImage ? [image] : [] };
    this.group.submit(
      { message, preparedFor: hasImage ? VISION_KEY : null },
      { onEvent: (event) => shown.events.push(event), onEnd: (end) => shown.ends.push(end) },
    );
    return shown;
  }

  /** Hears what Redis has for it. */
  deliver(): void {
    for (const message of this.#world.redis.drain(KEYS.events(this.name))) this.group.receive(message);
  }

  async #look(): Promise<void> {
    this.group.noteOutage(this.presence.downMs);
    if (this.presence.downMs !== null) return;
    this.#world.redis.strings.set(KEYS.gateway(this.name), '1');
    this.group.noteLeases(this.#world.leases, this.presence.mayJudge);
    await this.group.beat();
  }
}

export class ModelReader {
  readonly name: string;
  readonly remote: RemoteReader;
  readonly work: WorkSource;
  readonly presence: Presence;
  readonly commands: ModelConnection;
  readonly waiting: ModelConnection;
  readonly #world: ModelWorld;
  /** By id. */
  readonly #running = new Map<string, { readonly prompts: number; said: number }>();
  readonly #cancelled = new Set<string>();
  isAlive = true;
  #beat = 0;

  constructor(world: ModelWorld, name: string) {
    this.#world = world;
    this.name = name;
    this.commands = new ModelConnection(world.redis);
    this.waiting = new ModelConnection(world.redis);
    const { commands, waiting } = this;
    this.presence = new Presence({
      log: SILENT,
      onBeat: async () => {
        this.#beat += 1;
        await this.remote.beat();
        if (this.presence.mayJudge && this.remote.hasRoom) await this.work.claim(1);
      },
      onUp: () => this.work.noteLoss(),
    });
    this.remote = new RemoteReader({
      commands,
      presence: this.presence,
      reader: name,
      card: { ...CARD, maxSequences: PLACES },
      hand: (message) => this.#take(message),
      onRoom: () => this.work.noteRoom(),
      onWarning: world.warn,
    });
    this.work = new WorkSource({
      waiting,
      commands,
      reader: name,
      groups: ['g'],
      hasRoom: () => this.remote.hasRoom,
      onEntry: (entry, deliveries) => this.remote.accept(entry, deliveries),
      onBadEntry: world.warn,
    });
    this.work.start();
  }

  get lease(): string {
    return writeReaderLease({
      readerId: this.name,
      consumerGroups: ['g'],
      maxBatchSize: PLACES,
      requests: VERSIONS.requests,
      state: { kind: 'live', card: { ...CARD, maxSequences: PLACES } },
      beat: this.#beat,
      freePlaces: this.remote.freePlaces,
      openPrompts: this.remote.openPrompts,
      counts: null,
      tiles: this.remote.tiles,
    });
  }

  /** The engine says the next of every answer. */
  step(): void {
    for (const [run, answer] of [...this.#running]) {
      if (this.#cancelled.delete(run)) this.#end(run, 'cancelled');
      else if (answer.said === TOKENS) this.#end(run, 'stop');
      else {
        this.remote.hear(tokenOf(`${run} ${answer.said}`, 0, run));
        answer.said += 1;
      }
    }
  }

  /** Hears what gateways want of it. */
  control(): void {
    for (const text of this.#world.redis.drain(KEYS.control(this.name))) {
      const message = parseControl(text);
      if (message === undefined) this.#world.warn('a control message cannot be understood');
      else this.remote.control('g', message);
    }
  }

  #take(message: ToReader): void {
    if (message.kind === 'generate')
      this.#running.set(message.requestId, { prompts: message.prompts.length, said: 0 });
    else if (message.kind === 'cancel' && this.#running.has(message.requestId))
      this.#cancelled.add(message.requestId);
  }

  #end(run: string, finishReason: 'stop' | 'cancelled'): void {
    const prompts = this.#running.get(run)?.prompts ?? 0;
    this.#running.delete(run);
    for (let prompt = 0; prompt < prompts; prompt += 1)
      this.remote.hear({ ...doneOf(prompt, run), finishReason });
  }
}

export class ModelWorld {
  readonly redis = new ModelRedis();
  readonly gateways: ModelGateway[];
  readonly readers: ModelReader[];
  readonly shown: Shown[] = [];
  readonly warnings: string[] = [];
  readonly warn = (message: string): void => {
    this.warnings.push(message);
  };

  constructor({ gateways, readers }: { readonly gateways: number; readonly readers: number }) {
    this.gateways = Array.from({ length: gateways }, (_, index) => new ModelGateway(this, `gw@${index}`));
    this.readers = Array.from({ length: readers }, (_, index) => new ModelReader(this, `r@${index}`));
    for (const { presence } of this.#processes) presence.listener.onUp();
  }

  get leases(): ReadonlyMap<string, string | null> {
    return new Map(this.readers.map((reader) => [reader.name, reader.isAlive ? reader.lease : null]));
  }

  submit(gateway: ModelGateway, hasImage: boolean): Shown {
    const shown = gateway.submit(`q${this.shown.length}`, hasImage);
    this.shown.push(shown);
    return shown;
  }

  cancel(shown: Shown): void {
    shown.isCancelled = true;
    shown.gateway.group.cancel(shown.id);
  }

  /** Its commands and what it had are gone; whether the oldest command was executed is not known to anybody. */
  kill(process: ModelGateway | ModelReader): void {
    process.isAlive = false;
    const own = 'waiting' in process ? [process.commands, process.waiting] : [process.connection];
    this.redis.inFlight = this.redis.inFlight.filter(({ connection }) => !own.includes(connection));
    if (process instanceof ModelGateway) this.redis.strings.delete(KEYS.gateway(process.name));
  }

  async restart(): Promise<void> {
    this.redis.restart();
    for (const { presence } of this.#processes) presence.listener.onDown('restart');
    for (const { presence } of this.#processes) presence.listener.onUp();
    await settled();
  }

  /** Everything that can happen at once happens: commands, messages, steps. */
  async drain(): Promise<void> {
    for (let rounds = 0; rounds < 200; rounds += 1) {
      const [command] = this.redis.ready;
      if (command === undefined) {
        this.#deliverAll();
        await settled();
        if (this.redis.ready.length === 0) return;
      } else {
        this.redis.serve(command);
        await settled();
      }
    }
    throw new Error('The processes never come to rest.');
  }

  /** A second passes: beats, steps, and all that follows from them. */
  async second(advance: (ms: number) => Promise<unknown>): Promise<void> {
    await advance(1_000);
    for (const { presence } of this.#processes) void presence.beat();
    await settled();
    await this.drain();
    for (const reader of this.readers) if (reader.isAlive) reader.step();
    await settled();
    await this.drain();
  }

  /** What must be nothing when all is over. */
  get leftovers(): Readonly<Record<string, number>> {
    const entries = (prefix: string): number =>
      [...this.redis.streams].reduce(
        (sum, [key, { entries }]) => sum + (key.startsWith(prefix) ? entries.size : 0),
        0,
      );
    const living = this.readers.filter(({ isAlive }) => isAlive);
    return {
      queued: entries(KEYS.queue),
      placed: living.reduce((sum, { name }) => sum + entries(KEYS.placed(name)), 0),
      pending: this.redis.streams.get(KEYS.queue)?.pending.size ?? 0,
      tiles: [...this.redis.strings.keys()].filter((key) =>
        this.gateways.some(({ name, isAlive }) => isAlive && key.startsWith(KEYS.tiles(name, ''))),
      ).length,
      open: living.reduce((sum, { remote }) => sum + remote.openPrompts, 0),
    };
  }

  #deliverAll(): void {
    for (const gateway of this.gateways) if (gateway.isAlive) gateway.deliver();
    for (const reader of this.readers) if (reader.isAlive) reader.control();
  }

  get #processes(): readonly (ModelGateway | ModelReader)[] {
    return [...this.gateways, ...this.readers].filter(({ isAlive }) => isAlive);
  }
}

/** All that follows from what has happened without a further command has happened. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

// A model of what Redis does for gateways and readers, in memory: commands wait until the test has them executed, so that it chooses every
// order, loses any reply and empties the server at any moment. Keys do not end by themselves: whose lease ends, the test decides.
import {
  RedisRefusal,
  RedisUnreachable,
  type Argument,
  type RedisCommands,
} from '../../server/src/link/redis/redis-connection.js';
import type { Script } from '../../server/src/link/redis/scripts.js';
import { MODEL_SCRIPTS } from './model-scripts.js';

export interface Taken {
  reader: string;
  deliveries: number;
  sinceMs: number;
}

/** With its one consumer group. */
export class ModelStream {
  hasGroup = false;
  /** By id, in order. */
  readonly entries = new Map<string, string>();
  /** What was given to a reader and not acknowledged. */
  readonly pending = new Map<string, Taken>();
  /** Ids of all that was ever given to a reader. */
  readonly given = new Set<string>();

  get next(): readonly [id: string, message: string] | undefined {
    return [...this.entries].find(([id]) => !this.given.has(id));
  }

  take(id: string, reader: string): void {
    this.given.add(id);
    this.pending.set(id, { reader, deliveries: 1, sinceMs: performance.now() });
  }

  holder(id: string): string | undefined {
    return this.pending.get(id)?.reader;
  }

  /** Whether it was there. */
  remove(id: string): boolean {
    this.pending.delete(id);
    return this.entries.delete(id);
  }
}

/** A command without a reply yet. */
export interface InFlight {
  readonly connection: ModelConnection;
  readonly name: string;
  /** Whether it waits for something that is not there. */
  readonly isBlocked: () => boolean;
  readonly execute: () => unknown;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class ModelRedis {
  readonly strings = new Map<string, string | Buffer>();
  readonly streams = new Map<string, ModelStream>();
  inFlight: readonly InFlight[] = [];
  #ids = 0;

  /** Those that may be executed next: the oldest of each connection, unless it is blocked. */
  get ready(): readonly InFlight[] {
    const oldest = new Map<ModelConnection, InFlight>();
    for (const command of this.inFlight)
      if (!oldest.has(command.connection)) oldest.set(command.connection, command);
    return [...oldest.values()].filter(({ isBlocked }) => !isBlocked());
  }

  /** @param losesReply whether its sender is told that the connection was lost, though the command was executed */
  serve(command: InFlight, losesReply = false): void {
    this.inFlight = this.inFlight.filter((other) => other !== command);
    try {
      const reply = command.execute();
      if (losesReply) command.reject(new RedisUnreachable('the reply was lost'));
      else command.resolve(reply);
    } catch (error) {
      command.reject(error);
    }
  }

  /** It comes back empty at once, and nobody learns whether his command was executed. */
  restart(): void {
    this.strings.clear();
    this.streams.clear();
    const lost = this.inFlight;
    this.inFlight = [];
    for (const { reject } of lost) reject(new RedisUnreachable('Redis restarted'));
  }

  /** Makes all that was taken as old as what dead readers leave. */
  age(ms: number): void {
    for (const { pending } of this.streams.values())
      for (const taken of pending.values()) taken.sinceMs -= ms;
  }

  /** Messages of a stream that one process reads alone, which deletes them. */
  drain(key: string): readonly string[] {
    const messages = [...(this.streams.get(key)?.entries.values() ?? [])];
    this.streams.delete(key);
    return messages;
  }

  stream(key: string): ModelStream {
    const stream = this.streams.get(key) ?? new ModelStream();
    this.streams.set(key, stream);
    return stream;
  }

  add(key: string, message: string): string {
    this.#ids += 1;
    const id = `${this.#ids}-0`;
    this.stream(key).entries.set(id, message);
    return id;
  }
}

const never = (): boolean => false;

export class ModelConnection implements RedisCommands {
  readonly #redis: ModelRedis;

  constructor(redis: ModelRedis) {
    this.#redis = redis;
  }

  send(args: readonly Argument[]): Promise<unknown> {
    const redis = this.#redis;
    const [name, ...texts] = args.map((argument) => (typeof argument === 'string' ? argument : ''));
    if (name !== 'XREADGROUP')
      return this.#enqueue(String(name), never, () => execute(redis, String(name), texts, args[2]));
    const isBlocked = (): boolean =>
      streamsOf(texts).every((key) => {
        const stream = redis.streams.get(key);
        return stream?.hasGroup === true && stream.next === undefined;
      });
    return this.#enqueue(name, isBlocked, () => readGroup(redis, texts));
  }

  run({ sha1 }: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const script = MODEL_SCRIPTS.get(sha1);
    if (script === undefined) throw new Error('The model does not know this script.');
    return this.#enqueue(script.name, never, () => script.body(this.#redis, keys, args.map(String)));
  }

  #enqueue(name: string, isBlocked: () => boolean, execute: () => unknown): Promise<unknown> {
    const redis = this.#redis;
    return new Promise((resolve, reject) => {
      redis.inFlight = [...redis.inFlight, { connection: this, name, isBlocked, execute, resolve, reject }];
    });
  }
}

function execute(
  redis: ModelRedis,
  name: string,
  [key = '', ...args]: readonly string[],
  value: Argument | undefined,
): unknown {
  const stream = redis.streams.get(key);
  switch (name) {
    case 'SET':
      redis.strings.set(key, value ?? '');
      return 'OK';
    case 'GET':
      return redis.strings.get(key) ?? null;
    case 'EXISTS':
      return redis.strings.has(key) ? 1 : 0;
    case 'MGET':
      return [key, ...args].map((one) => redis.strings.get(one) ?? null);
    case 'UNLINK':
      return [key, ...args].filter((one) => redis.strings.delete(one)).length;
    case 'PEXPIRE':
      return redis.strings.has(key) ? 1 : 0;
    case 'XLEN':
      return stream?.entries.size ?? 0;
    case 'XACK':
      return stream?.pending.delete(args[1] ?? '') === true ? 1 : 0;
    case 'XDEL':
      return stream?.entries.delete(args[0] ?? '') === true ? 1 : 0;
    case 'XGROUP':
      return makeGroup(redis.stream(args[0] ?? ''));
    default:
      throw new Error(`The model does not know ${name}.`);
  }
}

function makeGroup(stream: ModelStream): string {
  if (stream.hasGroup) throw new RedisRefusal('XGROUP', 'BUSYGROUP');
  stream.hasGroup = true;
  return 'OK';
}

/** Of `GROUP readers READER COUNT 1 BLOCK MS STREAMS key… >…`. */
function streamsOf(args: readonly string[]): readonly string[] {
  const names = args.slice(args.indexOf('STREAMS') + 1);
  return names.slice(0, names.length / 2);
}

function readGroup(redis: ModelRedis, args: readonly string[]): unknown {
  return streamsOf(args).flatMap((key) => {
    const stream = redis.streams.get(key);
    if (stream?.hasGroup !== true) throw new RedisRefusal('XREADGROUP', 'NOGROUP');
    const { next } = stream;
    if (next === undefined) return [];
    stream.take(next[0], args[2] ?? '');
    return [[key, [[next[0], ['v', '1', 'm', next[1]]]]]];
  });
}

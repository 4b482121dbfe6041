// One connection to Redis that comes back by itself. While it is down, commands fail at once: nothing is queued, and no command is
// ever sent twice, because a request that was added twice would be answered twice. A command whose reply does not come within its
// deadline ends the connection, since the next ones would get none either; whether it was executed, nobody knows then.
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, ErrorReply, RESP_TYPES } from '@redis/client';
import { CapacityError, TakeoffError } from '../../errors.js';
import type { RedisAddress } from './redis-address.js';
import type { Script } from './scripts.js';

export type Argument = string | Buffer;

export interface ConnectionListener {
  /** Called each time commands can be sent again. */
  onUp?(): void;
  /** Called each time the connection is lost, or a first one cannot be made. */
  onDown?(why: string): void;
}

export interface SendOptions {
  /** How long Redis may wait before it answers, beside the time of a reply. */
  readonly blockMs?: number;
  /** Texts of the reply as bytes. */
  readonly asBytes?: boolean;
}

/** A server that answers later than this hangs, or is cut off. */
const REPLY_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;
const RETRY_AFTER_MS = 1_000;

/** Redis cannot be reached, or was lost before it replied. */
export class RedisUnreachable extends CapacityError {
  constructor(why: string) {
    super(
      'queue.unreachable',
      `The queue between gateway and readers cannot be reached: ${why}.`,
      RETRY_AFTER_MS,
    );
  }
}

/** Redis answered a command with an error. */
export class RedisRefusal extends TakeoffError<'server.internal'> {
  /** Its first word, by which errors are told apart, such as NOGROUP or OOM. */
  readonly word: string;

  constructor(command: string, message: string) {
    super('server.internal', `Redis refused ${command}: ${message}`);
    this.word = message.split(' ', 1)[0] ?? '';
  }
}

export const isRefusal = (error: unknown, word: string): boolean =>
  error instanceof RedisRefusal && error.word === word;

/** What passes when Redis is well again; everything else is a defect. */
export const isRedisTrouble = (error: unknown): error is RedisUnreachable | RedisRefusal =>
  error instanceof RedisUnreachable || error instanceof RedisRefusal;

const BYTES = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };

const newClient = ({ host, port, database, username, password, tls }: RedisAddress) =>
  createClient({
    RESP: 2,
    socket: {
      host,
      port,
      connectTimeout: CONNECT_TIMEOUT_MS,
      // A client that has lost its connection is replaced, so that no command of before is sent again.
      reconnectStrategy: false,
      ...(tls === null ? {} : { tls: true as const, ...tls }),
    },
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    database,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
  });
type Client = ReturnType<typeof newClient>;

/** What may be asked of Redis, whoever keeps the connection. */
export type RedisCommands = Pick<RedisConnection, 'send' | 'run'>;

interface Live {
  readonly client: Client;
  readonly lose: (why: string) => void;
}

export class RedisConnection {
  readonly #address: RedisAddress;
  readonly #listener: ConnectionListener;
  readonly #closing = new AbortController();
  readonly #kept: Promise<void>;
  #live: Live | undefined;

  constructor(address: RedisAddress, listener: ConnectionListener = {}) {
    this.#address = address;
    this.#listener = listener;
    this.#kept = this.#keep();
  }

  get isUp(): boolean {
    return this.#live !== undefined;
  }

  /** @throws RedisUnreachable, RedisRefusal */
  async send(
    args: readonly Argument[],
    { blockMs = 0, asBytes = false }: SendOptions = {},
  ): Promise<unknown> {
    const live = this.#live;
    if (live === undefined) throw new RedisUnreachable('there is no connection');
    const timer = setTimeout(() => live.lose('it did not reply in time'), blockMs + REPLY_TIMEOUT_MS);
    try {
      return await live.client.sendCommand<unknown>(args, asBytes ? BYTES : {});
    } catch (error) {
      if (error instanceof ErrorReply) throw new RedisRefusal(String(args[0]), error.message);
      throw new RedisUnreachable(messageOf(error));
    } finally {
      clearTimeout(timer);
    }
  }

  /** @throws RedisUnreachable, RedisRefusal */
  async run({ lua, sha1 }: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    const operands = [String(keys.length), ...keys, ...args];
    try {
      return await this.send(['EVALSHA', sha1, ...operands]);
    } catch (error) {
      // A server that was started empty knows no scripts.
      if (!isRefusal(error, 'NOSCRIPT')) throw error;
      return this.send(['EVAL', lua, ...operands]);
    }
  }

  /** Commands that wait for a reply fail. May be called again. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#live?.lose('it was closed');
    await this.#kept;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#closing;
    let retryMs = FIRST_RETRY_MS;
    while (!this.#isClosing()) {
      const client = newClient(this.#address);
      const lost = new Promise<string>((resolve) => {
        client.on('error', (error: unknown) => resolve(messageOf(error)));
        this.#connect(client, resolve).then(
          () => {
            retryMs = FIRST_RETRY_MS;
          },
          (error: unknown) => resolve(messageOf(error)),
        );
      });
      const why = await lost;
      this.#live = undefined;
      if (client.isOpen) client.destroy();
      if (this.#isClosing()) return;
      this.#listener.onDown?.(why);
      await delay(retryMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
      retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
    }
  }

  #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  async #connect(client: Client, lose: (why: string) => void): Promise<void> {
    // A server that accepts connections and says nothing would be waited for without end.
    const timer = setTimeout(() => lose('it did not greet in time'), CONNECT_TIMEOUT_MS);
    const onClose = (): void => lose('it was closed');
    this.#closing.signal.addEventListener('abort', onClose, { once: true });
    try {
      await client.connect();
      // A server may let a client in and turn it away, for its certificate, or while it reads what it had saved.
      await client.sendCommand(['PING']);
    } finally {
      clearTimeout(timer);
      this.#closing.signal.removeEventListener('abort', onClose);
    }
    if (!client.isReady || this.#isClosing()) {
      lose('it was closed');
      return;
    }
    this.#live = { client, lose };
    this.#listener.onUp?.();
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

// A link between one process and Redis that can be cut, slowed down, and made to lose packets or a reply. Cut means what it means in a network: bytes
// stay where they are, in either direction or in both, and neither side is told; when it is mended, they go on.
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import type { RedisServer } from '../../harness/redis-server.js';

type Direction = 'toRedis' | 'fromRedis';

interface Pair {
  readonly client: Socket;
  readonly redis: Socket;
  losesReply: boolean;
}

/** When the one who sent a lost piece sends it again: the least that Linux waits. */
const RESEND_MS = 200;

/** One way of a connection: what was sent first comes first, however long it takes. */
class Lane {
  readonly #to: Socket;
  readonly #underWay: { readonly chunk: Buffer; readonly dueMs: number }[] = [];

  constructor(to: Socket) {
    this.#to = to;
  }

  pass(chunk: Buffer, delayMs: number): void {
    const dueMs = Math.max(this.#underWay.at(-1)?.dueMs ?? 0, performance.now() + delayMs);
    this.#underWay.push({ chunk, dueMs });
    if (this.#underWay.length === 1) this.#deliver();
  }

  #deliver(): void {
    for (let next = this.#underWay[0]; next !== undefined; next = this.#underWay[0]) {
      const restMs = next.dueMs - performance.now();
      if (restMs > 0) {
        setTimeout(() => this.#deliver(), restMs);
        return;
      }
      this.#to.write(next.chunk);
      this.#underWay.shift();
    }
  }
}

export class LinkProxy {
  /** Of each chunk, each way. */
  delayMs = 0;
  /** Asked about each chunk, each way. TCP sends a lost one again, and all that follows waits behind it. */
  losesChunk: () => boolean = () => false;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #cut: ReadonlySet<Direction> = new Set();
  #losesReplyTo: string | undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start({ port }: RedisServer): Promise<LinkProxy> {
    const server = createServer();
    const proxy = new LinkProxy(server);
    server.on('connection', (client) => proxy.#join(client, connect(port, '127.0.0.1')));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(...directions: readonly Direction[]): void {
    this.#cut = new Set(directions);
    for (const pair of this.#pairs) this.#hold(pair);
  }

  mend(): void {
    this.#cut = new Set();
    for (const pair of this.#pairs) {
      if (pair.client.destroyed || pair.redis.destroyed) this.#end(pair);
      pair.client.resume();
      pair.redis.resume();
    }
  }

  /** The next command with this text is executed, and its connection ends instead of a reply. */
  loseReplyTo(text: string): void {
    this.#losesReplyTo = text;
  }

  /** Whether the command has come. */
  get hasLostReply(): boolean {
    return this.#losesReplyTo === undefined;
  }

  async stop(): Promise<void> {
    for (const pair of this.#pairs) this.#end(pair);
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(client: Socket, redis: Socket): void {
    const pair: Pair = { client, redis, losesReply: false };
    this.#pairs.add(pair);
    const [toRedis, toClient] = [new Lane(redis), new Lane(client)];
    client.on('data', (chunk) => {
      if (this.#losesReplyTo !== undefined && chunk.includes(this.#losesReplyTo)) {
        this.#losesReplyTo = undefined;
        pair.losesReply = true;
      }
      this.#pass(chunk, toRedis);
    });
    redis.on('data', (chunk) => {
      if (pair.losesReply) this.#end(pair);
      else this.#pass(chunk, toClient);
    });
    for (const socket of [client, redis]) {
      socket.on('error', () => undefined); // `close` follows
      // The end of a connection crosses a cut link as little as anything else.
      socket.on('close', () => {
        if (this.#cut.size === 0) this.#end(pair);
      });
    }
    this.#hold(pair);
  }

  #hold({ client, redis }: Pair): void {
    if (this.#cut.has('toRedis')) client.pause();
    if (this.#cut.has('fromRedis')) redis.pause();
  }

  #pass(chunk: Buffer, lane: Lane): void {
    lane.pass(chunk, this.delayMs + (this.losesChunk() ? RESEND_MS : 0));
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair);
    pair.client.destroy();
    pair.redis.destroy();
  }
}

// Gateways and headless readers as processes, joined by a Redis of the test's own. Needs the built program and a redis-server.
import { GuardedRedis, type Role } from './guarded-redis.js';
import { RedisServer } from './redis-server.js';
import { RunningServer, type StartOptions } from './running-server.js';

const READY_TIMEOUT_MS = 120_000;

export interface ClusterSize {
  readonly gateways: number;
  readonly readers: number;
  /** Consumer groups that Redis has users with rights for, behind TLS; without, everybody may do everything. */
  readonly guardedGroups?: readonly string[];
  /** Variables of Redis, where everybody may do everything. */
  readonly redisEnv?: Readonly<Record<string, string>>;
}

export class Cluster {
  readonly redis: RedisServer;
  readonly gateways: RunningServer[] = [];
  readonly readers: RunningServer[] = [];
  readonly #guarded: GuardedRedis | undefined;
  readonly #common: StartOptions;

  private constructor(redis: RedisServer | GuardedRedis, common: StartOptions) {
    this.redis = redis instanceof RedisServer ? redis : redis.server;
    this.#guarded = redis instanceof RedisServer ? undefined : redis;
    this.#common = common;
  }

  /** @param common what gateways and readers are started with beside their roles */
  static async start(
    { gateways, readers, guardedGroups, redisEnv }: ClusterSize,
    common: StartOptions = {},
  ): Promise<Cluster> {
    const redis =
      guardedGroups === undefined
        ? await RedisServer.start([], redisEnv)
        : await GuardedRedis.start(guardedGroups);
    const cluster = new Cluster(redis, common);
    try {
      await Promise.all([
        ...Array.from({ length: readers }, () => cluster.addReader()),
        ...Array.from({ length: gateways }, () => cluster.addGateway()),
      ]);
      for (const gateway of cluster.gateways)
        await gateway.until(async () => (await cluster.liveReaders(gateway)) >= readers, READY_TIMEOUT_MS);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  async addGateway(options: StartOptions = {}): Promise<RunningServer> {
    const gateway = await this.#startOne('gateway', { waitsForReader: false, ...options });
    this.gateways.push(gateway);
    return gateway;
  }

  /** Resolves when it can take requests. */
  async addReader(options: StartOptions = {}): Promise<RunningServer> {
    const env = { ...options.env, TAKEOFF_HEADLESS: 'true' };
    const reader = await this.#startOne('reader', { ...options, env, waitsForReader: false });
    this.readers.push(reader);
    await reader.until(async () => (await statusOf(`${reader.url}/readyz`)) === 200, READY_TIMEOUT_MS);
    return reader;
  }

  async liveReaders(gateway: RunningServer): Promise<number> {
    const status: unknown = await (await fetch(`${gateway.url}/status`)).json();
    const live =
      typeof status === 'object' && status !== null && 'live_readers' in status ? status.live_readers : {};
    return Object.keys(live ?? {}).length;
  }

  async stop(): Promise<void> {
    for (const server of [...this.gateways, ...this.readers]) server.child.kill('SIGCONT');
    await Promise.all(this.gateways.map((server) => server.stop()));
    await Promise.all(this.readers.map((server) => server.stop()));
    await (this.#guarded ?? this.redis).stop();
  }

  #startOne(role: Role, options: StartOptions): Promise<RunningServer> {
    const { args = [], env = {} } = this.#common;
    const access = this.#guarded?.envOf(role) ?? { TAKEOFF_REDIS_URL: this.redis.url };
    return RunningServer.startOne({
      ...this.#common,
      ...options,
      args: [...args, ...(options.args ?? [])],
      env: { ...env, ...access, ...options.env },
    });
  }
}

const statusOf = async (url: string): Promise<number | undefined> => {
  try {
    return (await fetch(url)).status;
  } catch {
    return undefined; // not listening
  }
};

// A Redis of the test's own: on a free port, without persistence, with a folder of its own. Needs Debian's redis-server (or another
// program of that name, such as Valkey's).
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.js';

const PROGRAM = 'redis-server';
const START_TIMEOUT_MS = 30_000;

/** Whether this machine has no Redis, for `describe.skipIf`. Prints so. */
export function sayWhyNoRedis(): boolean {
  if (spawnSync(PROGRAM, ['--version']).status === 0) return false;
  process.stdout.write(`No ${PROGRAM} on this machine (apt-get install redis-server): Redis is not tried.\n`);
  return true;
}

export class RedisServer {
  readonly port: number;
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'takeoff-redis-'));
  readonly #args: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.port = port;
    this.#args = args;
    this.#env = env;
  }

  /**
   * @param args further ones of the program
   * @param env variables of its own
   */
  static async start(
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), args, env);
    await server.launch();
    return server;
  }

  get url(): string {
    return this.#isEncrypted ? `rediss://localhost:${this.port}` : `redis://127.0.0.1:${this.port}`;
  }

  get #isEncrypted(): boolean {
    return this.#args.includes('--tls-cert-file');
  }

  /** Starts it, again and empty after `kill`. */
  async launch(): Promise<void> {
    const port = this.#isEncrypted ? ['--port', '0', '--tls-port'] : ['--port'];
    const where = [...port, String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder];
    const child = spawn(PROGRAM, [...where, '--save', '', '--appendonly', 'no', ...this.#args], {
      stdio: 'ignore',
      env: { ...process.env, ...this.#env },
    });
    this.#child = child;
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await this.#answers())) {
      if (performance.now() > deadline || child.exitCode !== null)
        throw new Error(`${PROGRAM} does not answer on port ${this.port}; it ended with ${child.exitCode}.`);
      await delay(20);
    }
  }

  /** @param signal SIGTERM: it tidies up behind itself */
  async kill(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await exit;
  }

  /** Lets it stand still, and go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name);
  }

  async stop(): Promise<void> {
    await this.kill('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #answers(): Promise<boolean> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false; // not yet
    } finally {
      socket.destroy();
    }
  }
}

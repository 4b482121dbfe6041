// A Takeoff server as a child process, for tests of the whole program and for measurements of it. Needs the built program.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.js';

const PROGRAM = path.join(repositoryRoot(), 'server/bin/takeoff.js');
const READY_TIMEOUT_MS = 30 * 60_000;
const POLL_MS = 50;

export interface ServerProcess {
  readonly pid: number;
  readonly name: 'gateway' | 'reader' | 'decoder';
}

export interface StartOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Address that the server listens on and that requests go to. */
  readonly host?: string;
  /** Port of the inference API; any free port if left out. */
  readonly port?: number;
  /** A program and its arguments that run the server in turn, such as `ip netns exec NAME`. It must become the server's process. */
  readonly within?: readonly string[];
  /** Whether to wait until a reader is live; otherwise until the ports listen. */
  readonly waitsForReader?: boolean;
}

type Port = 'port' | 'managementPort' | 'openaiPort';

export class RunningServer {
  readonly url: string;
  readonly managementUrl: string;
  /** Of the OpenAI API's own port. */
  readonly openaiUrl: string;
  readonly child: ChildProcess;
  /** Standard output and standard error of the program so far. */
  output = '';
  /** Ends what was started with it. */
  stopOthers: (() => Promise<void>) | undefined;

  private constructor(host: string, ports: Readonly<Record<Port, number>>, child: ChildProcess) {
    this.url = `http://${host}:${ports.port}`;
    this.managementUrl = `http://${host}:${ports.managementPort}`;
    this.openaiUrl = `http://${host}:${ports.openaiPort}`;
    this.child = child;
    const collect = (chunk: Buffer) => {
      this.output += chunk.toString();
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
  }

  /** Started in another way, where one was set: as a gateway with readers of their own, so that tests of one machine are tests of many. */
  static async start(options: StartOptions = {}): Promise<RunningServer> {
    return RunningServer.#otherStart?.(options) ?? RunningServer.startOne(options);
  }

  /** To be set before any server is started. */
  static startBy(start: (options: StartOptions) => Promise<RunningServer>): void {
    RunningServer.#otherStart = start;
  }

  static #otherStart: ((options: StartOptions) => Promise<RunningServer>) | undefined;

  static async startOne({
    args = [],
    env = {},
    host = '127.0.0.1',
    port: wantedPort,
    within = [],
    waitsForReader = true,
  }: StartOptions = {}): Promise<RunningServer> {
    const port = wantedPort ?? (await freePort());
    const ports = { port, managementPort: await freePort(), openaiPort: await freePort() };
    const where = [
      ...['--host', host, '--port', String(port)],
      ...['--management-port', String(ports.managementPort), '--openai-port', String(ports.openaiPort)],
    ];
    const [command = '', ...rest] = [...within, process.execPath, PROGRAM, 'serve', ...where, ...args];
    const child = spawn(command, rest, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const server = new RunningServer(host, ports, child);
    await server.until(() => (waitsForReader ? server.isReady() : server.isListening()), READY_TIMEOUT_MS);
    return server;
  }

  async isReady(): Promise<boolean> {
    return (await this.#health()) === 200;
  }

  async isListening(): Promise<boolean> {
    return (await this.#health()) !== undefined;
  }

  /** Polls a condition; fails when the server has ended or the time is up. */
  async until(condition: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await condition())) {
      if (this.child.exitCode !== null)
        throw new Error(`The server ended with ${this.child.exitCode}:\n${this.output}`);
      if (performance.now() > deadline)
        throw new Error(`Not so within ${timeoutMs} ms. The server said:\n${this.output}`);
      await delay(POLL_MS);
    }
  }

  /** The gateway, its readers and its decoders (Linux); none that has ended while they were listed. */
  processes(): ServerProcess[] {
    return processTree(this.child.pid ?? 0).flatMap((pid): ServerProcess[] => {
      const command = readWhileThere(`/proc/${pid}/cmdline`);
      if (command === undefined) return [];
      const name = command.includes('reader/main.js')
        ? 'reader'
        : command.includes('decoder/main.js')
          ? 'decoder'
          : 'gateway';
      return [{ pid, name }];
    });
  }

  /** Ends the server with SIGTERM; its exit code, or the signal that it ended by, now or before. */
  async stop(): Promise<number | NodeJS.Signals | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await exit;
    }
    await this.stopOthers?.();
    return this.child.exitCode ?? this.child.signalCode;
  }

  async #health(): Promise<number | undefined> {
    try {
      return (await fetch(`${this.url}/healthz`)).status;
    } catch {
      return undefined; // not listening
    }
  }
}

/** Largest resident memory of a process so far, in bytes (Linux); 0 of one that has just ended. */
export const peakMemoryBytes = (pid: number): number => statusBytes(pid, 'VmHWM') ?? 0;

/** Resident memory of a process now, in bytes (Linux); NaN of one that has just ended. */
export const residentMemoryBytes = (pid: number): number => statusBytes(pid, 'VmRSS') ?? NaN;

function statusBytes(pid: number, key: string): number | undefined {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kibibytes = new RegExp(`${key}:\\s+(\\d+) kB`, 'u').exec(status)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

/** The folder above this file that has the server, wherever this file was compiled to. */
export function repositoryRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'server/bin'))) folder = path.dirname(folder);
  return folder;
}

function processTree(pid: number): number[] {
  const listed = readWhileThere(`/proc/${pid}/task/${pid}/children`);
  if (listed === undefined) return [];
  const children = listed.trim().split(' ').filter(Boolean);
  return [pid, ...children.flatMap((child) => processTree(Number(child)))];
}

/** Undefined where the process of the file has ended, before it was opened or since. */
function readWhileThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

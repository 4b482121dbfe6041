// Network namespaces of Linux, each a network stack of its own: interfaces, routes, ports and counters. They are made with
// iproute2's `ip`, which needs root, and end with `remove`.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import type { Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { DoorAnswer, DoorRequest } from './door.js';

/** Runs `ip` with these words. */
export const ip = (words: string): string =>
  execFileSync('ip', words.split(' '), { encoding: 'utf8', stdio: 'pipe' });

/** Why this machine cannot make namespaces, for the log of the tests; undefined if it can. */
function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return `${process.platform} has none`;
  const [one, other] = [`takeoff-try-${process.pid}`, `takeoff-pair-${process.pid}`];
  try {
    ip(`netns add ${one}`);
    ip(`netns add ${other}`);
    ip(`-n ${one} link add probe type veth peer name probe netns ${other}`);
    ip(`-n ${one} address add 3fff::1/128 dev probe nodad`);
    ip(`netns exec ${one} true`);
    return undefined;
  } catch (error) {
    return `needs root and iproute2: ${String(error).trim().replaceAll('\n', ' ')}`;
  } finally {
    for (const name of [one, other]) removeIfThere(name);
  }
}

/** Whether this machine cannot make namespaces, for `describe.skipIf`. Prints the reason. */
export function sayWhyNoNamespaces(): boolean {
  const reason = whyNoNamespaces();
  if (reason === undefined) return false;
  process.stdout.write(
    `No network namespaces on this machine (${reason}): the server is not tried in one.\n`,
  );
  return true;
}

function removeIfThere(name: string): void {
  try {
    ip(`netns del ${name}`);
  } catch {
    // There is no such namespace.
  }
}

/** Test files share a process, and namespaces belong to the whole machine. */
let made = 0;

export class Namespace {
  /** Command line in front of a program that runs it in this namespace; `ip` is replaced by that program. */
  readonly within: readonly string[];
  #door: ChildProcess | undefined;

  private constructor(readonly name: string) {
    this.within = ['ip', 'netns', 'exec', name];
  }

  /** `nameServer` is the only one that programs of this namespace know. */
  static make(purpose: string, nameServer: string): Namespace {
    const namespace = new Namespace(`takeoff-${purpose}-${process.pid}-${made++}`);
    ip(`netns add ${namespace.name}`);
    mkdirSync(namespace.#files, { recursive: true });
    writeFileSync(`${namespace.#files}/resolv.conf`, `nameserver ${nameServer}\n`);
    writeFileSync(`${namespace.#files}/nsswitch.conf`, 'hosts: files dns\n');
    namespace.ip('link set lo up');
    return namespace;
  }

  /** Folder of files that `ip netns exec` puts in the place of those in /etc. */
  get #files(): string {
    return `/etc/netns/${this.name}`;
  }

  ip(words: string): void {
    ip(`-n ${this.name} ${words}`);
  }

  /** A TCP server on a port of every address of this namespace. */
  async listen(port: number): Promise<Server> {
    const [, server] = await this.#ask({ kind: 'listen', port });
    if (!(server instanceof Server)) throw new TypeError('The door gave no server.');
    return server;
  }

  async bind(address: string, port: number): Promise<UdpSocket> {
    const [, socket] = await this.#ask({ kind: 'bind', address, port });
    return socket as UdpSocket;
  }

  /** Opens a connection from this namespace: `connected`, or the system's error code. */
  async dial(address: string, port: number): Promise<string> {
    return (await this.#ask({ kind: 'dial', address, port }))[0];
  }

  /** A file as programs of this namespace see it. */
  read(file: string): string {
    return execFileSync('ip', ['netns', 'exec', this.name, 'cat', file], { encoding: 'utf8' });
  }

  remove(): void {
    this.#door?.disconnect();
    removeIfThere(this.name);
    rmSync(this.#files, { recursive: true, force: true });
  }

  async #ask(request: DoorRequest): Promise<[DoorAnswer, unknown]> {
    this.#door ??= openDoor(this.within);
    const answer = once(this.#door, 'message') as Promise<[DoorAnswer, unknown]>;
    this.#door.send(request);
    return answer;
  }
}

function openDoor([command = '', ...within]: readonly string[]): ChildProcess {
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(new URL('door.ts', import.meta.url))],
    platform: 'node',
    format: 'cjs',
    write: false,
  });
  return spawn(command, [...within, process.execPath, '-e', outputFiles[0]?.text ?? ''], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

// A Takeoff server as a child process, for measurements over HTTP.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../../server/bin/takeoff.js', import.meta.url));
const READY_TIMEOUT_MS = 30 * 60_000;

export class RunningServer {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#process = child;
  }

  static async start(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<RunningServer> {
    const [port, managementPort] = [await freePort(), await freePort()];
    const child = spawn(
      process.execPath,
      [PROGRAM, 'serve', '--port', String(port), '--management-port', String(managementPort), ...args],
      { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const server = new RunningServer(`http://127.0.0.1:${port}`, child);
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!(await server.#isReady())) {
      if (child.exitCode !== null)
        throw new Error(`The server ended with ${child.exitCode} before it was ready.`);
      if (performance.now() > deadline) throw new Error('The server was not ready in time.');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return server;
  }

  /** Largest resident memory so far of every process of the server, in bytes. */
  peakMemory(): { readonly name: string; readonly bytes: number }[] {
    return processTree(this.#process.pid ?? 0).map((pid) => {
      const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      const program = command.find((argument) => argument.endsWith('main.js')) ?? '';
      const name = program.includes('reader')
        ? 'reader'
        : program.includes('decoder')
          ? 'decoder'
          : 'gateway';
      return { name, bytes: Number(peak) * 1024 };
    });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await exit;
  }

  async #isReady(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/healthz`)).ok;
    } catch {
      return false; // not listening yet
    }
  }
}

function processTree(root: number): number[] {
  const children = readFileSync(`/proc/${root}/task/${root}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
  return [root, ...children.flatMap(processTree)];
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

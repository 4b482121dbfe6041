// `takeoff describe` as a child process, and folders of images for it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const PROGRAM = fileURLToPath(new URL('../../server/bin/takeoff.js', import.meta.url));

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Command {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Standard error of the command so far. */
  readonly err: () => string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** Largest file that the command may write; beyond it, writing fails as on a full disk. */
  readonly fileLimitKiB?: number;
  /** Whether to start a process group, as a shell does for a job: a signal to the group reaches every process of the command. */
  readonly detached?: boolean;
}

export function takeoff(args: readonly string[], options: CommandOptions = {}): Command {
  const { env = {}, cwd, stdin, fileLimitKiB, detached = false } = options;
  const limited =
    fileLimitKiB === undefined ? [] : ['bash', '-c', `ulimit -f ${fileLimitKiB}; exec "$@"`, 'x'];
  const [program = '', ...rest] = [...limited, process.execPath, PROGRAM, ...args];
  const child = spawn(program, rest, {
    cwd,
    detached,
    env: { ...process.env, ...env },
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  child.stdin?.end(stdin);
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = once(child, 'close').then(([exitCode, signal]: (number | null | NodeJS.Signals)[]) => ({
    exitCode: exitCode as number | null,
    signal: signal as NodeJS.Signals | null,
    out,
    err,
  }));
  return { child, ended, err: () => err };
}

export class ImageFolder {
  readonly path = mkdtempSync(path.join(os.tmpdir(), 'takeoff-describe-'));

  /**
   * Makes small images that differ, every tenth in a subfolder, and returns their paths.
   * @param moreBytes behind the end of each image, where decoders do not look
   */
  async fill(count: number, moreBytes = 0): Promise<string[]> {
    const bytes = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#258' } })
      .png()
      .toBuffer();
    return Array.from({ length: count }, (_, n) =>
      this.add(
        `${n % 10 === 0 ? `deep/${n % 3}/` : ''}image-${n}.png`,
        Buffer.concat([bytes, Buffer.from(`${n}`), Buffer.alloc(moreBytes)]),
      ),
    );
  }

  add(name: string, bytes: Uint8Array | string): string {
    const file = this.of(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    return file;
  }

  of(name: string): string {
    return path.join(this.path, name);
  }

  read(name: string): string {
    return readFileSync(this.of(name), 'utf8');
  }

  remove(): void {
    rmSync(this.path, { recursive: true });
  }
}

// Our own kernels against llama.cpp's: two processes with the same model do the same work in turns. CPU time is what is compared,
// because a machine that is busy otherwise stretches the time on the clock.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KernelChoice } from 'takeoff-server/model/kernels.js';
import type { Measurement } from '../report.js';
import { spread } from '../statistics.js';
import type { FromSide, SideOptions, Work } from './kernels-side.js';

const SIDE = fileURLToPath(new URL('./kernels-side.js', import.meta.url));

export interface KernelsBench extends Omit<SideOptions, 'repositoryPath'> {
  readonly repositoryPath: string | null;
  readonly runs: number;
  readonly promptRows: number;
  readonly newTokens: number;
}

export async function benchKernels(bench: KernelsBench): Promise<Measurement[]> {
  const repositoryPath = bench.repositoryPath ?? mkdtempSync(path.join(os.tmpdir(), 'takeoff-bench-'));
  const sides: Side[] = [];
  try {
    // One after the other: the first converts the model.
    for (const kernels of ['off', bench.kernels] as const)
      sides.push(await Side.start({ ...bench, repositoryPath, kernels }));
    const [theirs, ours] = sides;
    if (theirs === undefined || ours === undefined) return [];
    const measurements: Measurement[] = [];
    for (const { name, work } of workOf(bench, ours.hasTower))
      measurements.push(...(await compare(name, work, bench.runs, theirs, ours)));
    return measurements;
  } finally {
    for (const side of sides) side.stop();
    if (bench.repositoryPath === null) rmSync(repositoryPath, { recursive: true });
  }
}

function workOf({ promptRows, newTokens }: KernelsBench, hasTower: boolean): { name: string; work: Work }[] {
  return [
    { name: `prefill, ${promptRows} rows`, work: { kind: 'prefill', rows: promptRows } },
    ...[1, 8].map((sequences) => ({
      name: `${newTokens} steps, sequences at once: ${sequences}`,
      work: { kind: 'decode', sequences, steps: newTokens } as const,
    })),
    ...(hasTower ? [{ name: 'one tile', work: { kind: 'tile' } as const }] : []),
  ];
}

async function compare(
  name: string,
  work: Work,
  runs: number,
  theirs: Side,
  ours: Side,
): Promise<Measurement[]> {
  const theirMs: number[] = [];
  const ourMs: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    theirMs.push(await theirs.perform(work));
    ourMs.push(await ours.perform(work));
  }
  const [their, our] = [spread(theirMs), spread(ourMs)];
  const ratios = theirMs.map((ms, run) => ms / (ourMs[run] ?? NaN));
  return [
    { name: `${name}, kernels off`, unit: 'CPU ms', value: their },
    { name: `${name}, kernels on`, unit: 'CPU ms', value: our },
    { name: `${name}, ratio`, unit: 'times', value: spread(ratios) },
  ];
}

class Side {
  readonly hasTower: boolean;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, hasTower: boolean) {
    this.#child = child;
    this.hasTower = hasTower;
  }

  static async start(options: SideOptions & { readonly kernels: KernelChoice }): Promise<Side> {
    const child = fork(SIDE, [JSON.stringify(options)]);
    const message = await nextMessage(child);
    return new Side(child, message.kind === 'loaded' && message.hasTower);
  }

  async perform(work: Work): Promise<number> {
    this.#child.send(work);
    const message = await nextMessage(this.#child);
    return message.kind === 'done' ? message.cpuMs : NaN;
  }

  stop(): void {
    this.#child.kill();
  }
}

/** @throws when the child ends instead */
async function nextMessage(child: ChildProcess): Promise<FromSide> {
  const waiting = new AbortController();
  const ended = once(child, 'exit', waiting).then(() => {
    throw new TypeError('One side of the comparison ended; what it wrote is above.');
  });
  try {
    const [message] = (await Promise.race([once(child, 'message', waiting), ended])) as [FromSide];
    return message;
  } finally {
    ended.catch(() => undefined);
    waiting.abort();
  }
}

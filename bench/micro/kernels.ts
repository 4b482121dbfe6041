// Our own kernels against llama.cpp's: processes with the same model do the same work in turns. The ratios are of CPU time, because a
// machine that is busy otherwise stretches the time on the clock, which stands beside it.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Measurement } from '../report.js';
import { spread } from '../statistics.js';
import type { FromSide, SideOptions, Work } from './kernels-side.js';
import { Side, type Times } from './side.js';

const PROGRAM = fileURLToPath(new URL('./kernels-side.js', import.meta.url));

/** Cells of an image of one tile and a question. */
const BEHIND = 640;

export interface KernelsBench extends Omit<SideOptions, 'repositoryPath'> {
  readonly repositoryPath: string | null;
  readonly runs: number;
  readonly promptRows: number;
  readonly newTokens: number;
}

interface Contender {
  readonly name: string;
  readonly side: Side<Work, FromSide>;
  readonly hasTower: boolean;
  readonly contextTokens: number;
}

interface Sample {
  readonly name: string;
  readonly times: readonly Times[];
}

export async function benchKernels(bench: KernelsBench): Promise<Measurement[]> {
  const repositoryPath = bench.repositoryPath ?? mkdtempSync(path.join(os.tmpdir(), 'takeoff-bench-'));
  const contenders: Contender[] = [];
  try {
    // One after the other: the first converts the model.
    for (const { name, ...choice } of choicesOf(bench)) {
      const options = { ...bench, repositoryPath, ...choice };
      const { side, ready } = await Side.start<Work, FromSide>(PROGRAM, options, bench.threads);
      if (ready.kind === 'loaded') contenders.push({ name, side, ...ready });
    }
    return await compareAll(bench, contenders);
  } finally {
    for (const { side } of contenders) side.stop();
    if (bench.repositoryPath === null) rmSync(repositoryPath, { recursive: true });
  }
}

const choicesOf = ({ kernels, llamaLibDir }: KernelsBench) => [
  { name: 'kernels off', kernels: 'off' as const, llamaLibDir: null },
  ...(llamaLibDir === null ? [] : [{ name: 'other build', kernels: 'off' as const, llamaLibDir }]),
  { name: 'kernels on', kernels, llamaLibDir: null },
];

async function compareAll(
  { promptRows, newTokens, runs }: KernelsBench,
  contenders: readonly Contender[],
): Promise<Measurement[]> {
  const compare = async (name: string, work: Work) => {
    const samples = await samplesOf(work, runs, contenders);
    return { samples, measurements: measurementsOf(name, samples) };
  };
  const decode = (sequences: number, behind: number) =>
    compare(
      `${newTokens} steps, sequences at once: ${sequences}${behind === 0 ? '' : `, behind ${behind} cells`}`,
      {
        kind: 'decode',
        sequences,
        steps: newTokens,
        behind,
      },
    );
  const prefill = await compare(`prefill, ${promptRows} rows`, { kind: 'prefill', rows: promptRows });
  const alone = await decode(1, 0);
  const hasRoom = contenders.every(({ contextTokens }) => contextTokens >= BEHIND + newTokens);
  const behind = hasRoom ? await decode(1, BEHIND) : null;
  const together = await decode(8, 0);
  const hasTower = contenders.every((contender) => contender.hasTower);
  const tile = hasTower ? await compare('one tile', { kind: 'tile' }) : null;
  return [
    ...prefill.measurements,
    ...alone.measurements,
    ...(behind === null ? [] : [...behind.measurements, ...slowdownOf(alone.samples, behind.samples)]),
    ...together.measurements,
    ...(tile?.measurements ?? []),
  ];
}

async function samplesOf(work: Work, runs: number, contenders: readonly Contender[]): Promise<Sample[]> {
  const samples = contenders.map(({ name }) => ({ name, times: [] as Times[] }));
  for (let run = 0; run < runs; run += 1)
    for (const [index, { side }] of contenders.entries()) {
      const answer = await side.perform(work);
      if (answer.kind === 'done') samples[index]?.times.push(answer);
    }
  return samples;
}

function measurementsOf(name: string, samples: readonly Sample[]): Measurement[] {
  const ours = samples.at(-1);
  const times = samples.flatMap((sample) => [
    { name: `${name}, ${sample.name}`, unit: 'CPU ms', value: spread(sample.times.map(cpuMs)) },
    { name: `${name}, ${sample.name}`, unit: 'ms', value: spread(sample.times.map(wallMs)) },
  ]);
  const ratios = samples.slice(0, -1).flatMap((theirs) =>
    [
      { of: cpuMs, unit: 'times (CPU)' },
      { of: wallMs, unit: 'times' },
    ].map(({ of, unit }) => ({
      name: `${name}, ratio to ${theirs.name}`,
      unit,
      value: spread(ratiosOf(theirs.times.map(of), ours?.times.map(of) ?? [])),
    })),
  );
  return [...times, ...ratios];
}

/** What is left of the tokens per second of a sequence that has cells behind it. */
const slowdownOf = (alone: readonly Sample[], behind: readonly Sample[]): Measurement[] =>
  behind.map(({ name, times }, index) => ({
    name: `tokens/s behind ${BEHIND} cells by those behind none, ${name}`,
    unit: 'times',
    value: spread(ratiosOf(alone[index]?.times.map(wallMs) ?? [], times.map(wallMs))),
  }));

const ratiosOf = (over: readonly number[], under: readonly number[]): number[] =>
  over.map((ms, run) => ms / (under[run] ?? NaN));

const cpuMs = (times: Times): number => times.cpuMs;
const wallMs = (times: Times): number => times.wallMs;

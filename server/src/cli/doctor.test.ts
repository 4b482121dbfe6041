import { describe, expect, it } from 'vitest';
import type { RuntimeReport } from '../native/inspect.js';
import { describeRuntime } from './doctor.js';

const REPORT: RuntimeReport = {
  llamaCppVersion: 'v0.5.0',
  libraryFolder: '/libraries',
  cpuBackend: 'libggml-cpu-zen4.so',
  cpuFeatures: ['AVX2', 'AVX512'],
  kernels: 'avx512 for Q4_0, F16',
  kernelGain: { ours: 1_234.4e9, llamaCpp: 400e9 },
  devices: [],
  threads: 2,
  memoryBytes: 2 ** 34,
  freeMemoryBytes: 2 ** 33,
};

/** What the lines say of a subject; none is an empty list. */
const linesOf = (report: RuntimeReport, subject: string): string[] =>
  describeRuntime(report)
    .split('\n')
    .filter((line) => new RegExp(`^${subject}  `, 'u').test(line))
    .map((line) => line.slice(subject.length).trim());

describe('what takeoff doctor says of our own kernels', () => {
  it('names the instruction set, and what it gains here', () => {
    expect(linesOf(REPORT, 'kernels')).toEqual(['avx512 for Q4_0, F16']);
    expect(linesOf(REPORT, 'kernels gain')).toEqual([
      "3.1 times llama.cpp's own on a product of Q4_0 (1,234 against 400 GOP/s)",
    ]);
  });

  it('says that they lose where they do', () => {
    const slow = { ...REPORT, kernelGain: { ours: 90e9, llamaCpp: 100e9 } };
    expect(linesOf(slow, 'kernels gain')[0]).toMatch(/^0\.9 times /u);
  });

  it('has no gain where they are not used', () => {
    const unused = { ...REPORT, kernels: "llama.cpp's own, because there are none", kernelGain: null };
    expect(linesOf(unused, 'kernels gain')).toEqual([]);
    expect(linesOf(unused, 'kernels')).toEqual(["llama.cpp's own, because there are none"]);
  });
});

// The library of our own kernels in a process that uses it.
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { rowGroup } from '../../server/src/native/kernels/kernels.js';
import { nativeRuntime } from '../parity/golden-case.js';

const { kernels } = nativeRuntime('auto');

it.skipIf(kernels.kind === 'unused' || process.platform !== 'linux')(
  'the library stays in memory when JavaScript collects garbage, because ggml calls it',
  async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    for (let round = 0; round < 5; round += 1) {
      collect();
      await wait(20);
    }
    expect(readFileSync('/proc/self/maps', 'utf8')).toContain('libtakeoff-kernels.so');
  },
);

it.skipIf(kernels.kind === 'unused')(
  'rows are computed several at once with weights of its types, and of others nothing is known',
  () => {
    expect(rowGroup(kernels, 'Q4_0')).toBeGreaterThan(1);
    expect(rowGroup(kernels, 'F32')).toBeGreaterThan(1);
    expect(rowGroup(kernels, 'Q5_K')).toBe(1);
    expect(rowGroup(kernels, undefined)).toBe(1);
    expect(rowGroup({ kind: 'unused', reason: 'none' }, 'Q4_0')).toBe(1);
  },
);

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterError } from '../../errors.js';
import { ClusterWatch } from './cluster-watch.js';

const GONE = new ClusterError('cluster.unreachable', 'ECONNREFUSED');

function createWatch() {
  const state = { isWell: true, probes: 0, signs: 0 };
  const lost: ClusterError[] = [];
  const watch = new ClusterWatch({
    probe: async () => {
      state.probes += 1;
      if (!state.isWell) throw GONE;
    },
    onSign: () => {
      state.signs += 1;
    },
    onLost: (error) => lost.push(error),
  });
  return { state, lost, watch };
}
const after = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('the watch over a cluster', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('asks every five seconds, and takes answers as signs of life', async () => {
    const { state, lost } = createWatch();
    await after(15_100);
    expect(state).toMatchObject({ probes: 3, signs: 3 });
    expect(lost).toEqual([]);
  });

  it('gives a cluster up after three failures in a row, a second apart, and asks no more', async () => {
    const { state, lost } = createWatch();
    state.isWell = false;
    await after(7_100);
    expect(lost).toEqual([GONE]);
    await after(60_000);
    expect(lost).toHaveLength(1);
    expect(state.probes).toBe(3);
  });

  it('forgets failures when the cluster answers, or sends anything', async () => {
    const { state, lost, watch } = createWatch();
    state.isWell = false;
    await after(6_100);
    watch.noteSign();
    await after(1_100);
    expect(lost).toEqual([]);
    state.isWell = true;
    await after(60_000);
    expect(lost).toEqual([]);
  });

  it('asks at once when a prompt did not reach the cluster', async () => {
    const { state, lost, watch } = createWatch();
    state.isWell = false;
    watch.suspect();
    watch.suspect();
    await after(10);
    expect(state.probes).toBe(1);
    await after(2_000);
    expect(lost).toEqual([GONE]);
  });

  it('asks nothing once it was stopped', async () => {
    const { state, watch } = createWatch();
    watch.stop();
    watch.suspect();
    await after(60_000);
    expect(state.probes).toBe(0);
  });
});

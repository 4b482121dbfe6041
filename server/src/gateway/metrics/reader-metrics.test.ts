import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { NOTHING_COUNTED } from '../../link/lifecycle/reader-counts.js';
import type { ReaderCounts } from '../../link/lifecycle/reader-counts.js';
import type { CountedReader } from '../readers/readers-view.js';
import { addReaderMetrics } from './reader-metrics.js';

const reader = (readerId: string, counts: ReaderCounts | null, restarts = 0): CountedReader => ({
  readerId,
  consumerGroups: ['primary'],
  state: { kind: 'starting' },
  restarts,
  counts,
});

/** What is printed while these readers exist, one text for each list. */
async function printed(...lists: (readonly CountedReader[])[]): Promise<string[]> {
  const registry = new Registry();
  let readers: readonly CountedReader[] = [];
  addReaderMetrics(registry, () => readers);
  const texts: string[] = [];
  for (readers of lists) texts.push(await registry.metrics());
  return texts;
}

const OF = 'reader="r1",consumer_group="primary"';

describe('reader metrics', () => {
  it('are what the last heartbeat said, not added up from one print to the next', async () => {
    const counts = { ...NOTHING_COUNTED, generatedTokens: 7 };
    const [first, second] = await printed([reader('r1', counts)], [reader('r1', counts)]);
    expect(first).toContain(`generate_tokens{${OF}} 7`);
    expect(second).toContain(`generate_tokens{${OF}} 7`);
  });

  it('tell of free, held and cached cells, and the bytes of those that are cached', async () => {
    const kv = {
      ...NOTHING_COUNTED.kv,
      cells: 100,
      cellBytes: 16,
      heldCells: 25,
      cachedCells: 30,
      requiredCells: 12,
    };
    const [text] = await printed([reader('r1', { ...NOTHING_COUNTED, kv })]);
    expect(text).toContain(`takeoff_kv_cells{${OF},state="free"} 45`);
    expect(text).toContain(`takeoff_prefix_cache_bytes{${OF}} 480`);
    expect(text).toContain(`preemption_generate_blocks_available{${OF}} 75`);
    expect(text).toContain(`preemption_generate_blocks_required{${OF}} 12`);
    expect(text).toContain(`preemption_generate_kv_cache_occupancy{${OF}} 0.25`);
  });

  it('have histograms of what readers measured, with buckets that add up', async () => {
    const ms = NOTHING_COUNTED.steps.ms;
    const tally = { counts: ms.counts.map((_, bucket) => (bucket === 1 || bucket === 3 ? 2 : 0)), sum: 20 };
    const counts = { ...NOTHING_COUNTED, steps: { ...NOTHING_COUNTED.steps, ms: tally } };
    const [text = ''] = await printed([reader('r1', counts)]);
    const lines = text.split('\n').filter((line) => line.startsWith('takeoff_step_duration_seconds'));
    expect(lines.slice(0, 5).map((line) => line.replace(`${OF},`, ''))).toEqual([
      'takeoff_step_duration_seconds_bucket{le="0.001"} 0',
      'takeoff_step_duration_seconds_bucket{le="0.002"} 2',
      'takeoff_step_duration_seconds_bucket{le="0.005"} 2',
      'takeoff_step_duration_seconds_bucket{le="0.01"} 4',
      'takeoff_step_duration_seconds_bucket{le="0.025"} 4',
    ]);
    expect(lines.slice(-3)).toEqual([
      `takeoff_step_duration_seconds_bucket{${OF},le="+Inf"} 4`,
      `takeoff_step_duration_seconds_sum{${OF}} 0.02`,
      `takeoff_step_duration_seconds_count{${OF}} 4`,
    ]);
  });

  it('tell of restarts without a heartbeat, and nothing of a reader that was removed', async () => {
    const [dead, removed] = await printed([reader('r1', null, 3)], []);
    expect(dead).toContain(`takeoff_reader_restarts_total{${OF}} 3`);
    expect(dead).toContain(`takeoff_reader_live{${OF}} 0`);
    expect(dead).not.toContain(`generate_tokens{${OF}}`);
    expect(removed).not.toContain('r1');
  });
});

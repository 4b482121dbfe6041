// What readers count of their work, as metrics. A reader tells its counts once a second and begins at zero with each life, as
// Prometheus expects of counters; what is printed are those of the readers that exist, so that a removed one leaves nothing behind.
import { Counter, Gauge, type Registry } from 'prom-client';
import {
  STEP_MS_BOUNDS,
  STEP_ROWS_BOUNDS,
  type ReaderCounts,
  type Tally,
} from '../../link/lifecycle/reader-counts.js';
import type { CountedReader } from '../readers/readers-view.js';
import { TallyHistogram } from './tally-histogram.js';

const READER_LABELS = ['reader', 'consumer_group'] as const;
const MS = 0.001;

type Values = Readonly<Record<string, number>>;

interface Reading {
  readonly kind: 'gauge' | 'counter';
  readonly name: string;
  readonly help: string;
  /** A label beside those of the reader; `values` are keyed by its values then, and by nothing else otherwise. */
  readonly label?: string;
  readonly values: (counts: ReaderCounts) => Values | number;
}

const freeCells = ({ kv }: ReaderCounts): number => Math.max(0, kv.cells - kv.heldCells);

/** The names without `takeoff_` are those that dashboards of Takeoff know. Their blocks are cells here. */
const READINGS: readonly Reading[] = [
  {
    kind: 'counter',
    name: 'generate_tokens',
    help: 'Tokens of answers that were sampled.',
    values: (counts) => counts.generatedTokens,
  },
  {
    kind: 'counter',
    name: 'generate_count',
    help: 'Steps in which answers went on.',
    values: ({ steps }) => steps.decoding,
  },
  {
    kind: 'counter',
    name: 'prefill_count',
    help: 'Steps in which rows of prompts were computed.',
    values: ({ steps }) => steps.prefilling,
  },
  {
    kind: 'gauge',
    name: 'generate_batch_size',
    help: 'Answers that went on in the last step.',
    values: ({ steps }) => steps.lastDecodeRows,
  },
  {
    kind: 'gauge',
    name: 'preemption_generate_blocks_available',
    help: 'KV cells that no running prompt holds or has a claim on.',
    values: freeCells,
  },
  {
    kind: 'gauge',
    name: 'preemption_generate_blocks_required',
    help: 'KV cells that the prompt whose turn it is needs to start.',
    values: ({ kv }) => kv.requiredCells,
  },
  {
    kind: 'gauge',
    name: 'preemption_generate_blocks_in_use',
    help: 'KV cells that running prompts hold or have a claim on.',
    values: ({ kv }) => kv.heldCells,
  },
  {
    kind: 'gauge',
    name: 'preemption_generate_kv_cache_occupancy',
    help: 'Share of the KV cells that running prompts hold or have a claim on, from 0 to 1.',
    values: ({ kv }) => (kv.cells === 0 ? 0 : kv.heldCells / kv.cells),
  },
  {
    kind: 'counter',
    name: 'preemption_generate_interrupts',
    help: 'Answers that lost their place because KV cells ran out, and went on later.',
    values: ({ putBack }) => putBack.decode,
  },
  {
    kind: 'counter',
    name: 'preemption_fill_interrupts',
    help: 'Prompts that lost their place before their first token because KV cells ran out.',
    values: ({ putBack }) => putBack.prefill,
  },
  {
    kind: 'gauge',
    name: 'takeoff_prompts',
    help: 'Prompts in the reader, by whether they have a place or wait for one.',
    label: 'state',
    values: ({ prompts }) => prompts,
  },
  {
    kind: 'gauge',
    name: 'takeoff_kv_cells',
    help: 'KV cells by what is in them: rows of running prompts and claims, rows kept for prompts to come, nothing.',
    label: 'state',
    values: ({ kv }) => ({
      held: kv.heldCells,
      cached: kv.cachedCells,
      free: Math.max(0, kv.cells - kv.heldCells - kv.cachedCells),
    }),
  },
  {
    kind: 'gauge',
    name: 'takeoff_prefix_cache_bytes',
    help: 'Keys and values kept for prompts to come.',
    values: ({ kv }) => kv.cachedCells * kv.cellBytes,
  },
  {
    kind: 'counter',
    name: 'takeoff_prefix_cache_prompts_total',
    help: 'Ended prompts by whether rows of them were found in the prefix cache.',
    label: 'result',
    values: ({ kv }) => ({ hit: kv.hits, miss: kv.misses }),
  },
  {
    kind: 'counter',
    name: 'takeoff_prefix_cache_rows_total',
    help: 'Rows that were found in the prefix cache, and rows that had to make room.',
    label: 'event',
    values: ({ kv }) => ({ shared: kv.sharedRows, evicted: kv.evictedRows }),
  },
  {
    kind: 'gauge',
    name: 'takeoff_image_features_bytes',
    help: 'Features of images that are kept.',
    values: ({ features }) => features.bytes,
  },
  {
    kind: 'gauge',
    name: 'takeoff_image_features_max_bytes',
    help: 'Bytes that image_cache_size allows for features of images.',
    values: ({ features }) => features.maxBytes,
  },
  {
    kind: 'counter',
    name: 'takeoff_image_features_total',
    help: 'Images of prompts by how their features were met: there, made, or being made for another prompt.',
    label: 'result',
    values: ({ features }) => ({ hit: features.hits, miss: features.misses, joined: features.joined }),
  },
];

interface TallyReading {
  readonly name: string;
  readonly help: string;
  readonly bounds: readonly number[];
  readonly scale: number;
  readonly tally: (counts: ReaderCounts) => Tally;
}

const TALLIES: readonly TallyReading[] = [
  {
    name: 'takeoff_step_rows',
    help: 'Rows of a step: one for each answer that goes on, and those of prompts.',
    bounds: STEP_ROWS_BOUNDS,
    scale: 1,
    tally: ({ steps }) => steps.rows,
  },
  {
    name: 'takeoff_step_duration_seconds',
    help: 'Time of a step of the language model.',
    bounds: STEP_MS_BOUNDS,
    scale: MS,
    tally: ({ steps }) => steps.ms,
  },
  {
    name: 'takeoff_vision_slice_duration_seconds',
    help: "Time of a slice of an image's encoding, between two steps.",
    bounds: STEP_MS_BOUNDS,
    scale: MS,
    tally: ({ visionSlicesMs }) => visionSlicesMs,
  },
];

/** @param readers those that exist when metrics are printed */
export function addReaderMetrics(registry: Registry, readers: () => readonly CountedReader[]): void {
  const registers = [registry];
  addLifeMetrics(registry, readers);
  for (const reading of READINGS) addReading(registry, readers, reading);
  for (const { tally, ...facts } of TALLIES) {
    new TallyHistogram({
      ...facts,
      labelNames: READER_LABELS,
      registers,
      read: () => counted(readers()).map(({ labels, counts }) => ({ labels, tally: tally(counts) })),
    });
  }
}

function addLifeMetrics(registry: Registry, readers: () => readonly CountedReader[]): void {
  const shared = { labelNames: READER_LABELS, registers: [registry] };
  new Gauge({
    ...shared,
    name: 'takeoff_reader_live',
    help: 'Whether the reader takes requests: 1 or 0.',
    collect() {
      this.reset();
      for (const reader of readers()) this.set(labelsOf(reader), reader.state.kind === 'live' ? 1 : 0);
    },
  });
  new Counter({
    ...shared,
    name: 'takeoff_reader_restarts_total',
    help: 'How often the reader was started again after it had ended by itself.',
    collect() {
      this.reset();
      for (const reader of readers()) this.inc(labelsOf(reader), reader.restarts);
    },
  });
}

function addReading(registry: Registry, readers: () => readonly CountedReader[], reading: Reading): void {
  const { kind, name, help, label, values } = reading;
  const labelNames: readonly string[] = label === undefined ? READER_LABELS : [...READER_LABELS, label];
  const all = () =>
    counted(readers()).flatMap(({ labels, counts }) => {
      const read = values(counts);
      if (typeof read === 'number') return [{ labels, value: read }];
      return Object.entries(read).map(([key, value]) => ({
        labels: { ...labels, [label ?? '']: key },
        value,
      }));
    });
  const facts = { name, help, labelNames, registers: [registry] };
  if (kind === 'gauge') {
    new Gauge<string>({
      ...facts,
      collect() {
        this.reset();
        for (const { labels, value } of all()) this.set(labels, value);
      },
    });
  } else {
    new Counter<string>({
      ...facts,
      collect() {
        this.reset();
        for (const { labels, value } of all()) this.inc(labels, value);
      },
    });
  }
}

/** One series for a reader, also where it serves several groups. */
const labelsOf = ({ readerId, consumerGroups }: CountedReader) => ({
  reader: readerId,
  consumer_group: consumerGroups.join(','),
});

const counted = (readers: readonly CountedReader[]) =>
  readers.flatMap((reader) => {
    const { counts } = reader;
    return counts === null ? [] : [{ labels: labelsOf(reader), counts }];
  });

// What became of requests and what their time went into, as metrics. The consumer group is a label only of requests whose group
// exists: names that clients make up never become labels. Every request is counted a dozen times, and prom-client checks and hashes
// labels each time, which takes as long as a tenth of a small request: it gets to see the sums when somebody reads them.
import { Counter, Summary, type Registry } from 'prom-client';
import { RunningTally } from '../../link/lifecycle/running-tally.js';
import type { EndedRequest } from '../answer/inference.js';
import type { FinishedEvent, PromptTimings } from '../answer/request-record.js';
import { TallyHistogram, type LabelledTally } from './tally-histogram.js';

/** Seconds: from an echo to an image on a small machine. */
const STAGE_BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const LENGTH_BUCKETS = [1, 8, 32, 64, 128, 256, 512, 1024, 4096];
const QUANTILES = [0.5, 0.9, 0.99];
/** So that quantiles tell of the last minutes and not of all time. */
const SUMMARY_AGE = { maxAgeSeconds: 600, ageBuckets: 5 };
/** Sizes that wait for a reader of metrics, at most; without one they are handed over when there are so many. */
const MAX_WAITING_SIZES = 1_000;

/** The stages of a prompt, whose times add up to its total. */
const STAGES = [
  ['receive', 'receiveMs'],
  ['decode_image', 'decodeImageMs'],
  ['queue', 'queueMs'],
  ['vision', 'visionMs'],
  ['prefill', 'prefillMs'],
  ['decode', 'decodeMs'],
] as const satisfies readonly (readonly [string, keyof PromptTimings])[];

/** What was counted of the requests of one consumer group. */
class GroupCounts {
  readonly firstTokens = new RunningTally(STAGE_BUCKETS);
  readonly lengths = new RunningTally(LENGTH_BUCKETS);
  readonly stages = STAGES.map(([stage, field]) => ({
    stage,
    field,
    tally: new RunningTally(STAGE_BUCKETS),
  }));
  readonly promptTokens = { text: 0, image: 0, cached: 0 };
  /** Of the requests since they were taken last. */
  batchSizes: number[] = [];

  add({ promptCount, record }: EndedRequest): void {
    this.batchSizes.push(promptCount);
    for (const ms of record.firstTokensMs) this.firstTokens.add(ms / 1000);
    for (const finished of record.finished) this.#addPrompt(finished);
  }

  #addPrompt({ usage, timings }: FinishedEvent): void {
    for (const { field, tally } of this.stages) tally.add(timings[field] / 1000);
    this.lengths.add(usage.generatedTokens);
    this.promptTokens.text += usage.promptTokens - usage.imageTokens;
    this.promptTokens.image += usage.imageTokens;
    this.promptTokens.cached += usage.cachedTokens;
  }
}

type Groups = ReadonlyMap<string, GroupCounts>;

/** Returns what is to be called at the end of each request. */
export function addRequestMetrics(registry: Registry): (ended: EndedRequest) => void {
  const groups = new Map<string, GroupCounts>();
  const takeSizes = addBatchSizes(registry, groups);
  addTallies(registry, groups);
  addPromptTokens(registry, groups);
  return (ended) => {
    const { consumerGroup } = ended;
    const counts = groups.get(consumerGroup) ?? new GroupCounts();
    groups.set(consumerGroup, counts);
    counts.add(ended);
    if (counts.batchSizes.length >= MAX_WAITING_SIZES) takeSizes(consumerGroup, counts);
  };
}

function addBatchSizes(registry: Registry, groups: Groups): (group: string, counts: GroupCounts) => void {
  const batchSizes = new Summary({
    ...SUMMARY_AGE,
    name: 'user_batch_size',
    help: 'Prompts of a request.',
    percentiles: QUANTILES,
    labelNames: ['consumer_group'],
    registers: [registry],
    collect: () => {
      for (const [group, counts] of groups) take(group, counts);
    },
  });
  const take = (group: string, counts: GroupCounts): void => {
    for (const size of counts.batchSizes) batchSizes.observe({ consumer_group: group }, size);
    counts.batchSizes = [];
  };
  return take;
}

function addTallies(registry: Registry, groups: Groups): void {
  const registers = [registry];
  const ofGroups = (tallyOf: (counts: GroupCounts) => RunningTally): LabelledTally<'consumer_group'>[] =>
    [...groups].map(([group, counts]) => ({
      labels: { consumer_group: group },
      tally: tallyOf(counts).tally,
    }));
  new TallyHistogram({
    name: 'time_to_first_token',
    help: 'Seconds from the first byte of a request to the first token of each of its answers.',
    labelNames: ['consumer_group'],
    bounds: STAGE_BUCKETS,
    read: () => ofGroups(({ firstTokens }) => firstTokens),
    registers,
  });
  new TallyHistogram({
    name: 'generate_sequence_lengths',
    help: 'Tokens of each answer.',
    labelNames: ['consumer_group'],
    bounds: LENGTH_BUCKETS,
    read: () => ofGroups(({ lengths }) => lengths),
    registers,
  });
  new TallyHistogram({
    name: 'takeoff_stage_duration_seconds',
    help: 'What the time of each answered prompt went into; stages do not overlap.',
    labelNames: ['stage', 'consumer_group'],
    bounds: STAGE_BUCKETS,
    read: () =>
      [...groups].flatMap(([group, { stages }]) =>
        stages.map(({ stage, tally }) => ({ labels: { stage, consumer_group: group }, tally: tally.tally })),
      ),
    registers,
  });
}

function addPromptTokens(registry: Registry, groups: Groups): void {
  new Counter({
    name: 'takeoff_prompt_tokens_total',
    help: 'Tokens of answered prompts: of text and of images, and how many of both were in the prefix cache.',
    labelNames: ['kind', 'consumer_group'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [group, { promptTokens }] of groups)
        for (const [kind, count] of Object.entries(promptTokens))
          this.inc({ kind, consumer_group: group }, count);
    },
  });
}

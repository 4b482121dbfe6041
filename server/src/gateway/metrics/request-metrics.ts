// What became of requests and what their time went into, as metrics. The consumer group is a label only of requests whose group
// exists: names that clients make up never become labels.
import { Counter, Histogram, Summary, type Registry } from 'prom-client';
import type { EndedRequest } from '../answer/inference.js';
import type { FinishedEvent, PromptTimings } from '../answer/request-record.js';

/** Seconds: from an echo to an image on a small machine. */
const STAGE_BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const LENGTH_BUCKETS = [1, 8, 32, 64, 128, 256, 512, 1024, 4096];
const QUANTILES = [0.5, 0.9, 0.99];
/** So that quantiles tell of the last minutes and not of all time. */
const SUMMARY_AGE = { maxAgeSeconds: 600, ageBuckets: 5 };

/** The stages of a prompt, whose times add up to its total. */
const STAGES = {
  receive: 'receiveMs',
  decode_image: 'decodeImageMs',
  queue: 'queueMs',
  vision: 'visionMs',
  prefill: 'prefillMs',
  decode: 'decodeMs',
} as const satisfies Record<string, keyof PromptTimings>;

/** Returns what is to be called at the end of each request. */
export function addRequestMetrics(registry: Registry): (ended: EndedRequest) => void {
  const shared = { labelNames: ['consumer_group'] as const, registers: [registry] };
  const batchSizes = new Summary({
    ...shared,
    ...SUMMARY_AGE,
    name: 'user_batch_size',
    help: 'Prompts of a request.',
    percentiles: QUANTILES,
  });
  const firstTokens = new Histogram({
    ...shared,
    name: 'time_to_first_token',
    help: 'Seconds from the first byte of a request to the first token of each of its answers.',
    buckets: STAGE_BUCKETS,
  });
  const lengths = new Histogram({
    ...shared,
    name: 'generate_sequence_lengths',
    help: 'Tokens of each answer.',
    buckets: LENGTH_BUCKETS,
  });
  const stages = new Histogram({
    name: 'takeoff_stage_duration_seconds',
    help: 'What the time of each answered prompt went into; stages do not overlap.',
    labelNames: ['stage', 'consumer_group'],
    buckets: STAGE_BUCKETS,
    registers: [registry],
  });
  const tokens = new Counter({
    name: 'takeoff_prompt_tokens_total',
    help: 'Tokens of answered prompts: of text and of images, and how many of both were in the prefix cache.',
    labelNames: ['kind', 'consumer_group'],
    registers: [registry],
  });
  const countPrompt = ({ usage, timings }: FinishedEvent, group: string): void => {
    for (const [stage, field] of Object.entries(STAGES))
      stages.observe({ stage, consumer_group: group }, timings[field] / 1000);
    lengths.observe({ consumer_group: group }, usage.generatedTokens);
    tokens.inc({ kind: 'text', consumer_group: group }, usage.promptTokens - usage.imageTokens);
    tokens.inc({ kind: 'image', consumer_group: group }, usage.imageTokens);
    tokens.inc({ kind: 'cached', consumer_group: group }, usage.cachedTokens);
  };
  return ({ consumerGroup, promptCount, record }) => {
    batchSizes.observe({ consumer_group: consumerGroup }, promptCount);
    for (const ms of record.firstTokensMs) firstTokens.observe({ consumer_group: consumerGroup }, ms / 1000);
    for (const finished of record.finished) countPrompt(finished, consumerGroup);
  };
}

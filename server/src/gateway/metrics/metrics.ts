// What the gateway counts, in the text form of Prometheus. Labels are taken from bounded sets of our own words: route patterns,
// statuses, reasons. Nothing a client sends (paths, URLs, hosts, prompts) becomes a label.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ErrorCode } from 'takeoff-wire';
import { RunningTally } from '../../link/lifecycle/running-tally.js';
import type { EndedRequest } from '../answer/inference.js';
import type { FetchOutcome } from '../intake/remote/fetcher.js';
import type { CountedReader, LinkCounts } from '../readers/readers-view.js';
import { addLinkMetrics } from './link-metrics.js';
import { addReaderMetrics } from './reader-metrics.js';
import { addRequestMetrics } from './request-metrics.js';
import { TallyHistogram } from './tally-histogram.js';

type HttpLabels = Readonly<Record<'method' | 'path' | 'status', string>>;

export interface AnsweredRequest {
  readonly method: string;
  /** Pattern of the route; undefined for an unknown address. */
  readonly route: string | undefined;
  readonly status: number;
  readonly durationMs: number;
  /** Of what it failed with, before or after its first bytes; undefined where it did not. */
  readonly errorCode: ErrorCode | undefined;
}

/** What metrics look at when they are printed. */
export interface Watched {
  readonly readers: () => readonly CountedReader[];
  readonly links: () => readonly LinkCounts[];
  readonly openAnswers: () => number;
  readonly decoders: () => { readonly running: number; readonly waiting: number };
}

export interface Metrics {
  readonly contentType: string;
  countRequest(request: AnsweredRequest): void;
  countAnswer(ended: EndedRequest): void;
  /** To be called once, when there is something to look at. */
  watch(watched: Watched): void;
  countFetch(outcome: Omit<FetchOutcome, 'failure'>): void;
  /** All metrics as text. */
  print(): Promise<string>;
}

/** Seconds. From a refusal to a long answer. */
const REQUEST_BUCKETS = [0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const FETCH_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Clients choose methods, and any word is one to Node's parser that it knows, such as PURGE. */
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'];

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const countDuration = addHttpMetrics(registry);
  const errors = new Counter({
    name: 'takeoff_request_errors_total',
    help: 'Requests that were refused or failed, by the code of their error.',
    labelNames: ['code'],
    registers,
  });
  const fetches = new Histogram({
    name: 'takeoff_remote_image_fetch_duration_seconds',
    help: 'Time to download a remote image, or until that failed, by result.',
    labelNames: ['result'],
    buckets: FETCH_BUCKETS,
    registers,
  });
  const fetchedBytes = new Counter({
    name: 'takeoff_remote_image_bytes_total',
    help: 'Bytes of downloaded remote images.',
    registers,
  });
  return {
    contentType: registry.contentType,
    countRequest(request) {
      countDuration(request);
      if (request.errorCode !== undefined) errors.inc({ code: request.errorCode });
    },
    countAnswer: addRequestMetrics(registry),
    watch({ readers, links, openAnswers, decoders }) {
      addReaderMetrics(registry, readers);
      addLinkMetrics(registry, links);
      addLoadMetrics(registry, openAnswers, decoders);
    },
    countFetch({ result, byteCount, durationMs }) {
      fetches.observe({ result }, durationMs / 1000);
      fetchedBytes.inc(byteCount);
    },
    print: () => registry.metrics(),
  };
}

/** Returns what is to be called for each request. */
function addHttpMetrics(registry: Registry): (request: AnsweredRequest) => void {
  const labelNames = ['method', 'path', 'status'] as const;
  const answered = new Map<string, { readonly labels: HttpLabels; readonly durations: RunningTally }>();
  new TallyHistogram({
    name: 'http_requests_duration_seconds',
    help: 'Time from the first byte of a request to the end of its answer.',
    labelNames,
    bounds: REQUEST_BUCKETS,
    read: () => [...answered.values()].map(({ labels, durations }) => ({ labels, tally: durations.tally })),
    registers: [registry],
  });
  new Counter({
    name: 'http_requests_total',
    help: 'Answered requests.',
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, durations } of answered.values()) this.inc(labels, durations.count);
    },
  });
  return ({ method, route, status, durationMs }) => {
    const known = METHODS.includes(method) ? method : 'other';
    const path = route ?? 'unknown';
    const key = `${known} ${status} ${path}`;
    let counted = answered.get(key);
    if (counted === undefined) {
      const labels = { method: known, path, status: String(status) };
      counted = { labels, durations: new RunningTally(REQUEST_BUCKETS) };
      answered.set(key, counted);
    }
    counted.durations.add(durationMs / 1000);
  };
}

function addLoadMetrics(
  registry: Registry,
  openAnswers: Watched['openAnswers'],
  decoders: Watched['decoders'],
): void {
  new Gauge({
    name: 'takeoff_open_requests',
    help: 'Requests that are being answered, waiting ones included.',
    registers: [registry],
    collect() {
      this.set(openAnswers());
    },
  });
  new Gauge({
    name: 'takeoff_image_decodes',
    help: 'Images that are being decoded, and images that wait for a decoder.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const { running, waiting } = decoders();
      this.set({ state: 'running' }, running);
      this.set({ state: 'waiting' }, waiting);
    },
  });
}

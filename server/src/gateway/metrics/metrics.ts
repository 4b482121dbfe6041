// What the gateway counts, in the text form of Prometheus. Labels are taken from bounded sets of our own words: route patterns,
// statuses, reasons. Nothing a client sends (paths, URLs, hosts, prompts) becomes a label.
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import type { FetchOutcome } from '../intake/remote/fetcher.js';

export interface AnsweredRequest {
  readonly method: string;
  /** Pattern of the route; undefined for an unknown address. */
  readonly route: string | undefined;
  readonly status: number;
  readonly durationMs: number;
}

export interface Metrics {
  readonly contentType: string;
  countRequest(request: AnsweredRequest): void;
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
  const requests = new Histogram({
    name: 'takeoff_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: REQUEST_BUCKETS,
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
    countRequest({ method, route, status, durationMs }) {
      const known = METHODS.includes(method) ? method : 'other';
      requests.observe({ method: known, route: route ?? 'unknown', status }, durationMs / 1000);
    },
    countFetch({ result, byteCount, durationMs }) {
      fetches.observe({ result }, durationMs / 1000);
      fetchedBytes.inc(byteCount);
    },
    print: () => registry.metrics(),
  };
}

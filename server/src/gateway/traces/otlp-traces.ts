// Traces of requests as OpenTelemetry spans, sent over OTLP/HTTP: one for the request, below it one for each stage. Made when the
// request is over, from the times of its record, so that nothing is measured twice. A trace that the client began is continued. No
// span has a text of a prompt or an answer. A collector that cannot be reached costs its traces and a line in the log.
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type TextMapGetter,
  type Tracer,
} from '@opentelemetry/api';
import { ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TracerProvider,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import type { FastifyBaseLogger } from 'fastify';
import type { EndedRequest } from '../answer/inference.js';
import type { FinishedEvent, PromptTimings, RequestSource } from '../answer/request-record.js';
import type { RequestTraces, TracesConfig } from './request-traces.js';

/** A collector on the same machine answers within milliseconds; a shutdown waits for it this long. */
const EXPORT_TIMEOUT_MS = 2_000;
/** A list of a thousand prompts would fill the queue of spans by itself. */
const MAX_TRACED_PROMPTS = 64;
const WARN_INTERVAL_MS = 60_000;

const HEADERS: TextMapGetter<RequestSource['traceHeaders']> = {
  keys: (headers) => Object.keys(headers),
  get: (headers, name) => headers[name],
};

const WORK = [
  ['queue', 'queueMs'],
  ['vision', 'visionMs'],
  ['prefill', 'prefillMs'],
  ['decode', 'decodeMs'],
] as const satisfies readonly (readonly [string, keyof PromptTimings])[];

export class OtlpTraces implements RequestTraces {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #log: FastifyBaseLogger;
  readonly #propagator = new W3CTraceContextPropagator();

  constructor({ host, version }: TracesConfig, log: FastifyBaseLogger) {
    this.#log = log;
    const url = `${host.replace(/\/+$/u, '')}/v1/traces`;
    const exporter = new OTLPTraceExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS });
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': 'takeoff', 'service.version': version }),
      // Whoever began a trace has decided whether it is kept.
      sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
      spanProcessors: [new BatchSpanProcessor({ exporter: loggingFailures(exporter, url, log) })],
    });
    this.#tracer = this.#provider.getTracer('takeoff', version);
  }

  trace(ended: EndedRequest): void {
    const { record, failureCode } = ended;
    const { receiveMs, decodeImageMs, source } = record;
    // Since 1970: times of performance.now() would be moved by each span's own offset between two clocks.
    const arrivedAtMs = performance.timeOrigin + record.arrivedAtMs;
    const span = this.#tracer.startSpan(
      source === null ? 'request' : `POST ${source.route}`,
      { kind: SpanKind.SERVER, startTime: arrivedAtMs, attributes: attributesOf(ended) },
      this.#contextOf(source),
    );
    if (failureCode !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: failureCode });
    const inside = trace.setSpan(ROOT_CONTEXT, span);
    let atMs = arrivedAtMs;
    atMs = this.#stage('receive', inside, atMs, receiveMs);
    if (decodeImageMs > 0) atMs = this.#stage('decode_image', inside, atMs, decodeImageMs);
    for (const finished of record.finished.slice(0, MAX_TRACED_PROMPTS)) this.#prompt(finished, inside, atMs);
    span.end(arrivedAtMs + record.elapsedMs);
  }

  async close(): Promise<void> {
    try {
      await this.#provider.shutdown();
    } catch (error) {
      // Spans that could not be sent end nothing but themselves; a shutdown goes on.
      this.#log.debug({ err: error }, 'the last traces were not sent');
    }
  }

  /** Stages one after the other: a prompt that lost its place and went on later has one span for the sum of each. */
  #prompt({ prompt, timings }: FinishedEvent, inside: Context, fromMs: number): void {
    let atMs = fromMs;
    for (const [stage, field] of WORK)
      if (timings[field] > 0)
        atMs = this.#stage(stage, inside, atMs, timings[field], { 'takeoff.prompt': prompt });
  }

  /** Returns when the stage was over. */
  #stage(name: string, inside: Context, startMs: number, ms: number, attributes: Attributes = {}): number {
    this.#tracer.startSpan(name, { startTime: startMs, attributes }, inside).end(startMs + ms);
    return startMs + ms;
  }

  #contextOf(source: RequestSource | null): Context {
    return this.#propagator.extract(ROOT_CONTEXT, source?.traceHeaders ?? {}, HEADERS);
  }
}

function attributesOf({ consumerGroup, promptCount, record, failureCode }: EndedRequest): Attributes {
  const { source, finished } = record;
  const total = (count: (finished: FinishedEvent) => number): number =>
    finished.reduce((sum, one) => sum + count(one), 0);
  return {
    'http.request.method': 'POST',
    ...(source === null ? {} : { 'http.route': source.route, 'takeoff.request_id': source.requestId }),
    'takeoff.consumer_group': consumerGroup,
    'takeoff.prompts': promptCount,
    'takeoff.image_tokens': total(({ usage }) => usage.imageTokens),
    'takeoff.cached_tokens': total(({ usage }) => usage.cachedTokens),
    'gen_ai.usage.input_tokens': total(({ usage }) => usage.promptTokens),
    'gen_ai.usage.output_tokens': total(({ usage }) => usage.generatedTokens),
    ...(failureCode === null ? {} : { 'error.type': failureCode }),
  };
}

/** Tells the log once a minute at most that spans do not arrive. */
function loggingFailures(exporter: SpanExporter, url: string, log: FastifyBaseLogger): SpanExporter {
  let nextWarningMs = -Infinity;
  return {
    export: (spans, onResult) =>
      exporter.export(spans, (result) => {
        if (result.code !== ExportResultCode.SUCCESS && performance.now() >= nextWarningMs) {
          nextWarningMs = performance.now() + WARN_INTERVAL_MS;
          log.warn({ url, err: result.error }, 'traces could not be sent (export_traces, traces_host)');
        }
        onResult(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

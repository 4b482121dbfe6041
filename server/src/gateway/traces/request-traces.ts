// The port for traces of requests. What exports them is loaded only when an operator wants traces: its packages would make every
// start slower and every server larger.
import type { FastifyBaseLogger } from 'fastify';
import type { EndedRequest } from '../answer/inference.js';

export interface TracesConfig {
  /** Address of a collector that takes OTLP over HTTP; spans go to /v1/traces below it. */
  readonly host: string;
  /** Of the program. */
  readonly version: string;
}

export interface RequestTraces {
  /** To be called when a request is over. */
  trace(ended: EndedRequest): void;
  /** Sends what has not been sent yet, within seconds. */
  close(): Promise<void>;
}

export async function openTraces(config: TracesConfig, log: FastifyBaseLogger): Promise<RequestTraces> {
  const { OtlpTraces } = await import('./otlp-traces.js');
  return new OtlpTraces(config, log);
}

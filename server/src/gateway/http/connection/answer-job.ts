// Runs the job of a request and gives its answer, buffered or as a stream, in the format of its API. Every API that generates text
// answers through here: this is where a client that leaves or does not read ends the work on its request.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Inference, InferenceJob, Recipient } from '../../answer/inference.js';
import { RequestRecord, type RequestSource } from '../../answer/request-record.js';
import type { AnswerFormat } from './answer-format.js';
import { BufferedAnswer } from './buffered-answer.js';
import { clientGoneFlag } from './client-gone.js';
import { CLIENT_STALL_MS, type HttpLimits } from './http-limits.js';
import type { BodyReader } from './read-body.js';
import { serverTimingOf, serverTimingSoFar } from './server-timing.js';
import { cutWhenNotRead } from './stalled-client.js';
import { STREAM_HEADERS, streamedAnswer } from './streamed-answer.js';

/** A request as its API has parsed it. */
export interface AskedJob {
  readonly job: InferenceJob;
  readonly format: AnswerFormat;
  readonly delivery: 'buffered' | 'streamed';
}

export interface AnswerOptions {
  readonly inference: Inference;
  readonly limits: HttpLimits;
  /** Reads bodies within the memory that all APIs share. */
  readonly readBody: BodyReader;
}

/** What a request is answered with. */
interface Answer {
  readonly payload: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

type Receiving = Pick<Recipient, 'clientGone' | 'record'>;

/** @throws the error that the request failed with, unless a stream has begun */
export async function answerJob(
  asked: AskedJob,
  options: AnswerOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const clientGone = clientGoneFlag(reply.raw);
  cutWhenNotRead(reply.raw, CLIENT_STALL_MS);
  const arrivedAtMs = performance.now() - reply.elapsedTime;
  const receiving = { clientGone, record: new RequestRecord(arrivedAtMs, { source: sourceOf(request) }) };
  let answer: Answer | undefined;
  try {
    answer =
      asked.delivery === 'buffered'
        ? await wholeAnswer(asked, options, receiving)
        : await streamOf(asked, options, receiving, request);
  } catch (error) {
    // What a departed client's request ends with is nobody's failure.
    if (!clientGone.isRaised) throw error;
  }
  if (answer === undefined) return reply.hijack();
  return reply.headers(answer.headers).send(answer.payload);
}

/** Undefined when the client is gone. */
async function wholeAnswer(
  { job, format }: AskedJob,
  { inference }: AnswerOptions,
  receiving: Receiving,
): Promise<Answer | undefined> {
  const buffered = new BufferedAnswer(job.prompts.length, format);
  const events = inference.answer(job, { takeBack: buffered.reset, ...receiving });
  const answers = await buffered.collect(events, receiving.clientGone);
  if (answers === undefined) return undefined;
  return { payload: format.body(answers), headers: { 'server-timing': serverTimingOf(answers) } };
}

/** Undefined when the client is gone. */
async function streamOf(
  { job, format }: AskedJob,
  { inference, limits }: AnswerOptions,
  receiving: Receiving,
  request: FastifyRequest,
): Promise<Answer | undefined> {
  const { clientGone, record } = receiving;
  const events = inference.answer(job, { takeBack: null, ...receiving });
  // A stream whose client leaves before its first byte is never pulled, so nothing else would end the request.
  clientGone.listen(() => void events.return());
  const { streamErrorEvents: tellsErrors, streamCommentIntervalMs: silenceMs } = limits;
  const payload = await streamedAnswer(events, { format, clientGone, request, tellsErrors, silenceMs });
  if (payload === undefined) return undefined;
  const headers = { ...STREAM_HEADERS, 'content-type': format.stream.contentType };
  return { payload, headers: { ...headers, 'server-timing': serverTimingSoFar(record) } };
}

function sourceOf({ id, routeOptions, headers }: FastifyRequest): RequestSource {
  const { traceparent, tracestate } = headers;
  const traceHeaders = {
    ...(typeof traceparent === 'string' ? { traceparent } : {}),
    ...(typeof tracestate === 'string' ? { tracestate } : {}),
  };
  return { route: routeOptions.url ?? '', requestId: id, traceHeaders };
}

// Runs the job of a request and gives its answer, buffered or as a stream, in the format of its API. Every API that generates text
// answers through here: this is where a client that leaves or does not read ends the work on its request.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Inference, InferenceJob } from '../../answer/inference.js';
import type { AnswerFormat } from './answer-format.js';
import { BufferedAnswer } from './buffered-answer.js';
import { clientGoneSignal } from './client-gone.js';
import { CLIENT_STALL_MS, type HttpLimits } from './http-limits.js';
import type { BodyReader } from './read-body.js';
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

/** @throws the error that the request failed with, unless a stream has begun */
export async function answerJob(
  asked: AskedJob,
  options: AnswerOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const clientGone = clientGoneSignal(reply.raw);
  cutWhenNotRead(reply.raw, CLIENT_STALL_MS);
  let payload: unknown;
  try {
    payload = await payloadOf(asked, options, request, clientGone);
  } catch (error) {
    // What a departed client's request ends with is nobody's failure.
    if (!clientGone.aborted) throw error;
  }
  if (payload === undefined) return reply.hijack();
  if (asked.delivery === 'streamed') void reply.headers(STREAM_HEADERS);
  return reply.send(payload);
}

/** Undefined when the client is gone. */
async function payloadOf(
  { job, format, delivery }: AskedJob,
  { inference, limits }: AnswerOptions,
  { log }: FastifyRequest,
  clientGone: AbortSignal,
): Promise<unknown> {
  const buffered = delivery === 'buffered' ? new BufferedAnswer(job.prompts.length, format) : null;
  const events = inference.answer(job, { clientGone, takeBack: buffered?.reset ?? null });
  // A stream whose client leaves before its first byte is never pulled, so nothing else would end the request.
  clientGone.addEventListener('abort', () => void events.return());
  if (buffered === null) {
    const { streamErrorEvents: tellsErrors, streamCommentIntervalMs: silenceMs } = limits;
    return streamedAnswer(events, { format, clientGone, log, tellsErrors, silenceMs });
  }
  const answers = await buffered.collect(events, clientGone);
  return answers === undefined ? undefined : format.body(answers);
}

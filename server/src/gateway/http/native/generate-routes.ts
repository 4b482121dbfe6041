// The four generate endpoints: JSON or multipart in, one JSON answer or a stream out.
import type { Readable } from 'node:stream';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { GenerateResponse } from 'takeoff-wire';
import type { Inference } from '../../readers/inference.js';
import { BodyBudget } from '../connection/body-budget.js';
import { bufferedAnswer } from './buffered-answer.js';
import { clientGoneSignal } from '../connection/client-gone.js';
import { CLIENT_STALL_MS, type HttpLimits } from '../connection/http-limits.js';
import { InputError } from '../../../errors.js';
import { readImageForm } from './image-form.js';
import { addJsonParser } from '../connection/json-body.js';
import { validateRequest, type ValidatedRequest } from './parse-generate-request.js';
import { cutWhenNotRead } from '../connection/stalled-client.js';
import { STREAM_HEADERS, streamedAnswer } from './streamed-answer.js';

export interface GenerateRouteOptions {
  readonly inference: Inference;
  readonly limits: HttpLimits;
}

type AnswerForm = 'buffered' | 'streamed';

export async function addGenerateRoutes(app: FastifyInstance, options: GenerateRouteOptions): Promise<void> {
  const { limits } = options;
  const budget = new BodyBudget(limits.bodyMemoryLimitBytes, limits.bodySizeLimitBytes);
  await app.register(async (json) => {
    addJsonParser(json, limits.bodySizeLimitBytes, budget);
    const read = (request: FastifyRequest): ValidatedRequest => readJson(request, limits);
    json.post('/generate', (request, reply) => answer(read(request), 'buffered', options, request, reply));
    json.post('/generate_stream', (request, reply) =>
      answer(read(request), 'streamed', options, request, reply),
    );
    await Promise.resolve();
  });
  await app.register(async (form) => {
    form.removeAllContentTypeParsers();
    await form.register(multipart);
    const read = (request: FastifyRequest): Promise<ValidatedRequest> => readForm(request, limits, budget);
    form.post('/image_generate', async (request, reply) =>
      answer(await read(request), 'buffered', options, request, reply),
    );
    form.post('/image_generate_stream', async (request, reply) =>
      answer(await read(request), 'streamed', options, request, reply),
    );
  });
}

function readJson(request: FastifyRequest, limits: HttpLimits): ValidatedRequest {
  if (request.body === undefined) {
    throw new InputError(
      'request.unsupported_media_type',
      'This endpoint takes a JSON body with Content-Type: application/json.',
    );
  }
  return validateRequest(request.body, null, limits);
}

async function readForm(
  request: FastifyRequest,
  limits: HttpLimits,
  budget: BodyBudget,
): Promise<ValidatedRequest> {
  const { json, imageBytes } = await readImageForm(request, limits.bodySizeLimitBytes, budget);
  return validateRequest(json, imageBytes, limits);
}

async function answer(
  validated: ValidatedRequest,
  form: AnswerForm,
  { inference, limits }: GenerateRouteOptions,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const clientGone = clientGoneSignal(reply.raw);
  cutWhenNotRead(reply.raw, CLIENT_STALL_MS);
  const events = inference.answer(validated.job, clientGone);
  // A stream whose client leaves before its first byte is never pulled, so nothing else would end the request.
  clientGone.addEventListener('abort', () => void events.return());
  let payload: GenerateResponse | Readable | undefined;
  try {
    payload =
      form === 'buffered'
        ? await bufferedAnswer(events, validated, clientGone)
        : await streamedAnswer(events, validated, clientGone, request.log, limits.streamErrorEvents);
  } catch (error) {
    // What a departed client's request ends with is nobody's failure.
    if (!clientGone.aborted) throw error;
  }
  if (payload === undefined) return reply.hijack();
  if (form === 'streamed') void reply.headers(STREAM_HEADERS);
  return reply.send(payload);
}

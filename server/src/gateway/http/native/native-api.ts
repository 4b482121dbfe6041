// The native API: four generate endpoints. JSON or multipart in, one JSON answer or a stream out.
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { InputError } from '../../../errors.js';
import { answerJob, type AnswerOptions, type AskedJob } from '../connection/answer-job.js';
import { BodyBudget } from '../connection/body-budget.js';
import { addJsonParser } from '../connection/json-body.js';
import { readImageForm } from './image-form.js';
import { nativeFormat } from './native-format.js';
import { parseGenerateRequest } from './parse-generate-request.js';

const DELIVERIES = ['buffered', 'streamed'] as const;
type Delivery = (typeof DELIVERIES)[number];

const JSON_ENDPOINTS: Readonly<Record<Delivery, string>> = {
  buffered: '/generate',
  streamed: '/generate_stream',
};
const IMAGE_ENDPOINTS: Readonly<Record<Delivery, string>> = {
  buffered: '/image_generate',
  streamed: '/image_generate_stream',
};

export async function addNativeApi(app: FastifyInstance, options: AnswerOptions): Promise<void> {
  const { limits } = options;
  const budget = new BodyBudget(limits.bodyMemoryLimitBytes, limits.bodySizeLimitBytes);
  /** `upload`: the file that came with the request, null for a JSON request. */
  const parse = (body: unknown, upload: Uint8Array | null, delivery: Delivery): AskedJob => {
    const { job, shape } = parseGenerateRequest(body, upload, limits);
    return { job, delivery, format: nativeFormat(shape) };
  };
  await app.register((json, _options, done) => {
    addJsonParser(json, limits.bodySizeLimitBytes, budget);
    for (const delivery of DELIVERIES) {
      json.post(JSON_ENDPOINTS[delivery], (request, reply) =>
        answerJob(parse(jsonBodyOf(request), null, delivery), options, request, reply),
      );
    }
    done();
  });
  await app.register(async (form) => {
    form.removeAllContentTypeParsers();
    await form.register(multipart);
    for (const delivery of DELIVERIES) {
      form.post(IMAGE_ENDPOINTS[delivery], async (request, reply) => {
        const { json, imageBytes } = await readImageForm(request, limits.bodySizeLimitBytes, budget);
        return answerJob(parse(json, imageBytes, delivery), options, request, reply);
      });
    }
  });
}

function jsonBodyOf({ body }: FastifyRequest): unknown {
  if (body !== undefined) return body;
  throw new InputError(
    'request.unsupported_media_type',
    'This endpoint takes a JSON body with Content-Type: application/json.',
  );
}

// The native API: four generate endpoints. JSON or multipart in, one JSON answer or a stream out.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { answerJob, type AnswerOptions, type AskedJob } from '../connection/answer-job.js';
import { addEncodingCheck } from '../connection/content-encoding.js';
import { addJsonParser, jsonBodyOf } from '../connection/json-body.js';
import type { Operation } from '../description/operation.js';
import { addFormParser, formOf, type ImageForm } from './image-form.js';
import { nativeFormat } from './native-format.js';
import { GENERATE, GENERATE_STREAM, IMAGE_GENERATE, IMAGE_GENERATE_STREAM } from './native-operations.js';
import { parseGenerateRequest } from './parse-generate-request.js';
import { WarningLog } from './warning-log.js';

const DELIVERIES = ['buffered', 'streamed'] as const;
type Delivery = (typeof DELIVERIES)[number];

type Endpoint = readonly [path: string, operation: Operation];

const JSON_ENDPOINTS: Readonly<Record<Delivery, Endpoint>> = {
  buffered: ['/generate', GENERATE],
  streamed: ['/generate_stream', GENERATE_STREAM],
};
const IMAGE_ENDPOINTS: Readonly<Record<Delivery, Endpoint>> = {
  buffered: ['/image_generate', IMAGE_GENERATE],
  streamed: ['/image_generate_stream', IMAGE_GENERATE_STREAM],
};

export async function addNativeApi(app: FastifyInstance, options: AnswerOptions): Promise<void> {
  const { limits, readBody } = options;
  const warningLog = new WarningLog();
  /** `upload`: the file that came with the request, null for a JSON request. */
  const parse = (
    body: unknown,
    upload: Uint8Array | null,
    delivery: Delivery,
    { log }: FastifyRequest,
  ): AskedJob => {
    const { job, shape } = parseGenerateRequest(body, upload, limits);
    warningLog.write(shape.warnings, log);
    return { job, delivery, format: nativeFormat(shape) };
  };
  await app.register((json, _options, done) => {
    addEncodingCheck(json);
    addJsonParser(json, readBody);
    for (const delivery of DELIVERIES) {
      const [path, operation] = JSON_ENDPOINTS[delivery];
      json.post(path, { config: { operation } }, (request, reply) =>
        answerJob(parse(jsonBodyOf(request), null, delivery, request), options, request, reply),
      );
    }
    done();
  });
  await app.register((form, _options, done) => {
    addEncodingCheck(form);
    addFormParser(form, readBody);
    for (const delivery of DELIVERIES) {
      const [path, operation] = IMAGE_ENDPOINTS[delivery];
      form.post<{ Body: ImageForm | undefined }>(path, { config: { operation } }, (request, reply) => {
        const { json, imageBytes } = formOf(request.body);
        return answerJob(parse(json, imageBytes, delivery, request), options, request, reply);
      });
    }
    done();
  });
}

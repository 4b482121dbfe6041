// The Ollama API: what programs that were written for Ollama send, answered by the models of this server. Its routes are below /api on
// the inference port, and all their errors have Ollama's form.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerJob } from '../connection/answer-job.js';
import { addEncodingCheck } from '../connection/content-encoding.js';
import { addErrorHandlers } from '../connection/error-handlers.js';
import type { HttpLimits } from '../connection/http-limits.js';
import { addJsonParser, addUntypedJsonParser, jsonBodyOf } from '../connection/json-body.js';
import type { ForeignApiOptions } from '../input/foreign-api.js';
import { parseChatRequest } from './input/parse-chat-request.js';
import { parseGenerateRequest } from './input/parse-generate-request.js';
import type { ParsedOllama } from './input/shared-fields.js';
import { writeOllamaError } from './ollama-error.js';
import { OllamaFormat, type TextPlace } from './ollama-format.js';
import {
  listRunning,
  listTags,
  OLLAMA_VERSION,
  resolveTagged,
  showModel,
  validateIsReady,
} from './ollama-models.js';
import { CHAT, GENERATE, RUNNING, SHOW, TAGS, VERSION } from './ollama-operations.js';
import { parseShowRequest } from './show-request.js';

/** Of all its addresses. */
export const OLLAMA_PREFIX = '/api';

type Parse = (body: unknown, limits: HttpLimits) => ParsedOllama;

export async function addOllamaApi(app: FastifyInstance, options: ForeignApiOptions): Promise<void> {
  const { readBody, readers, version } = options;
  const facts = { readers, version, startedAtMs: Date.now() };
  await app.register(
    async (below) => {
      // Outside the scope that reads bodies, so that those sent to unknown addresses are not read.
      addErrorHandlers(below, writeOllamaError);
      await below.register((scope, _options, done) => {
        addEncodingCheck(scope);
        addJsonParser(scope, readBody);
        addUntypedJsonParser(scope, readBody);
        scope.get('/version', { config: { operation: VERSION } }, () => ({ version: OLLAMA_VERSION }));
        scope.get('/tags', { config: { operation: TAGS } }, () => listTags(facts));
        scope.get('/ps', { config: { operation: RUNNING } }, () => listRunning(facts));
        scope.post('/show', { config: { operation: SHOW } }, (request) =>
          showModel(parseShowRequest(jsonBodyOf(request)), facts),
        );
        scope.post('/chat', { config: { operation: CHAT } }, answerOf(parseChatRequest, 'message', options));
        scope.post(
          '/generate',
          { config: { operation: GENERATE } },
          answerOf(parseGenerateRequest, 'response', options),
        );
        done();
      });
    },
    { prefix: OLLAMA_PREFIX },
  );
}

const answerOf =
  (parse: Parse, textPlace: TextPlace, options: ForeignApiOptions) =>
  async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { model, job, delivery } = parse(jsonBodyOf(request), options.limits);
    const named = resolveTagged(model, options.readers);
    const tellsLogprobs = job !== null && job.sampling.topLogprobs !== null;
    const format = new OllamaFormat({ model: named.name, textPlace, tellsLogprobs });
    if (job === null) {
      validateIsReady(named.group, options.readers);
      return reply.send(format.loaded());
    }
    return answerJob(
      { job: { ...job, consumerGroup: named.group }, format, delivery },
      options,
      request,
      reply,
    );
  };

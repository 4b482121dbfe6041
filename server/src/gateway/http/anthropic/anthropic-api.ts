// Anthropic's API: what programs that were written for it send, answered by the models of this server. Its routes are /v1/messages and
// below on the inference port, and all their errors have Anthropic's form.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Counting } from '../../answer/counting.js';
import { answerJob, type AskedJob } from '../connection/answer-job.js';
import { answerCount } from '../connection/count-prompts.js';
import { addEncodingCheck } from '../connection/content-encoding.js';
import { addErrorHandlers } from '../connection/error-handlers.js';
import { addJsonParser, jsonBodyOf } from '../connection/json-body.js';
import type { ForeignApiOptions } from '../input/foreign-api.js';
import { resolveModel } from '../input/model-names.js';
import { writeAnthropicError } from './anthropic-error.js';
import { COUNT_TOKENS, MESSAGES } from './anthropic-operations.js';
import { parseMessageRequest } from './input/parse-message-request.js';
import { MessageFormat } from './message-format.js';

export interface AnthropicOptions extends ForeignApiOptions {
  readonly counting: Counting;
}

/** Of all its addresses. */
export const ANTHROPIC_PREFIX = '/v1/messages';

export async function addAnthropicApi(app: FastifyInstance, options: AnthropicOptions): Promise<void> {
  await app.register(
    async (below) => {
      // Outside the scope that reads bodies, so that those sent to unknown addresses are not read.
      addErrorHandlers(below, writeAnthropicError);
      below.addHook('onRequest', (request, reply, done) => {
        reply.header('request-id', request.id);
        done();
      });
      await below.register((scope, _options, done) => {
        addEncodingCheck(scope);
        addJsonParser(scope, options.readBody);
        scope.post('', { config: { operation: MESSAGES } }, (request, reply) =>
          answerJob(askedOf(request, options), options, request, reply),
        );
        scope.post('/count_tokens', { config: { operation: COUNT_TOKENS } }, (request, reply) =>
          countTokens(request, reply, options),
        );
        done();
      });
    },
    { prefix: ANTHROPIC_PREFIX },
  );
}

function askedOf(request: FastifyRequest, { limits, readers }: AnthropicOptions): AskedJob {
  const { model, job, delivery, call } = parseMessageRequest(jsonBodyOf(request), limits);
  const { group, name } = resolveModel(model, readers);
  const format = new MessageFormat({ id: request.id.replaceAll('-', ''), model: name, call });
  return { job: { ...job, consumerGroup: group }, format, delivery };
}

function countTokens(
  request: FastifyRequest,
  reply: FastifyReply,
  { counting, limits, readers }: AnthropicOptions,
): Promise<{ input_tokens: number } | FastifyReply> {
  const { model, job } = parseMessageRequest(jsonBodyOf(request), limits);
  const { group } = resolveModel(model, readers);
  return answerCount(counting, { ...job, consumerGroup: group }, reply, ({ counts }) => ({
    input_tokens: counts.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
  }));
}

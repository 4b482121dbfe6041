// The OpenAI API: what programs that were written for OpenAI's own send, answered by the models of this server. Its routes are the
// same on the inference port and on a port of its own, all below /v1, and all their errors have OpenAI's form.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerJob, type AskedJob } from '../connection/answer-job.js';
import { addEncodingCheck } from '../connection/content-encoding.js';
import { addErrorHandlers } from '../connection/error-handlers.js';
import { addJsonParser, jsonBodyOf } from '../connection/json-body.js';
import type { AnswerHead } from './answer-facts.js';
import { ChatFormat } from './chat/chat-format.js';
import { parseChatRequest } from './chat/parse-chat-request.js';
import { CompletionFormat } from './completions/completion-format.js';
import { parseCompletionRequest } from './completions/parse-completion-request.js';
import type { ForeignApiOptions } from '../input/foreign-api.js';
import { fingerprintOf, resolveModel, type NamedModel } from '../input/model-names.js';
import { describeModel, listModels } from './models-answer.js';
import { writeOpenaiError } from './openai-error.js';
import { CHAT_COMPLETIONS, COMPLETIONS, MODEL, MODELS, RESPONSES } from './openai-operations.js';
import { parseResponseRequest } from './responses/parse-response-request.js';
import { FunctionCallItem } from './responses/function-call-item.js';
import { MessageItem } from './responses/message-item.js';
import { ResponseFormat } from './responses/response-format.js';

/** Of all its addresses. */
export const OPENAI_PREFIX = '/v1';

/** A request of one of the endpoints to a job. */
type Ask = (body: unknown, requestId: string) => AskedJob;

export async function addOpenaiApi(app: FastifyInstance, options: ForeignApiOptions): Promise<void> {
  const { readBody, readers } = options;
  const startedAt = seconds();
  await app.register(
    async (below) => {
      // Outside the scope that reads bodies, so that those sent to unknown addresses are not read.
      addErrorHandlers(below, writeOpenaiError);
      await below.register((scope, _options, done) => {
        addEncodingCheck(scope);
        addJsonParser(scope, readBody);
        scope.get('/models', { config: { operation: MODELS } }, () => listModels(readers, startedAt));
        // Names of the model hub have a slash in them, which not every client encodes.
        scope.get<{ Params: { '*': string } }>('/models/*', { config: { operation: MODEL } }, ({ params }) =>
          describeModel(params['*'], readers, startedAt),
        );
        const answer =
          (ask: Ask) =>
          (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> =>
            answerJob(ask(jsonBodyOf(request), request.id), options, request, reply);
        scope.post('/chat/completions', { config: { operation: CHAT_COMPLETIONS } }, answer(chatOf(options)));
        scope.post('/completions', { config: { operation: COMPLETIONS } }, answer(completionOf(options)));
        scope.post('/responses', { config: { operation: RESPONSES } }, answer(responseOf(options)));
        done();
      });
    },
    { prefix: OPENAI_PREFIX },
  );
}

const chatOf =
  (options: ForeignApiOptions): Ask =>
  (body, requestId) => {
    const { model, job, delivery, call, tellsUsage } = parseChatRequest(body, options.limits);
    const named = resolveModel(model, options.readers);
    const format = new ChatFormat(headOf('chatcmpl-', requestId, named, options), {
      choiceCount: job.prompts.length,
      tellsUsage,
      tellsLogprobs: job.sampling.topLogprobs !== null,
      call,
    });
    return { job: { ...job, consumerGroup: named.group }, format, delivery };
  };

const completionOf =
  (options: ForeignApiOptions): Ask =>
  (body, requestId) => {
    const { model, job, delivery, tellsUsage, choicesPerPrompt } = parseCompletionRequest(
      body,
      options.limits,
    );
    const named = resolveModel(model, options.readers);
    const format = new CompletionFormat(headOf('cmpl-', requestId, named, options), {
      answerCount: job.prompts.length,
      choicesPerPrompt,
      tellsUsage,
      tellsLogprobs: job.sampling.topLogprobs !== null,
    });
    return { job: { ...job, consumerGroup: named.group }, format, delivery };
  };

const responseOf =
  (options: ForeignApiOptions): Ask =>
  (body, requestId) => {
    const { model, job, delivery, call, repeated } = parseResponseRequest(body, options.limits);
    const named = resolveModel(model, options.readers);
    const head = headOf('resp_', requestId, named, options);
    const idOf = (kind: string) => head.id.replace(/^resp_/u, kind);
    const output =
      call === null
        ? new MessageItem(idOf('msg_'), job.sampling.topLogprobs !== null)
        : new FunctionCallItem({ item: idOf('fc_'), call: idOf('call_') }, call.name);
    const format = new ResponseFormat(head, repeated, output);
    return { job: { ...job, consumerGroup: named.group }, format, delivery };
  };

function headOf(
  prefix: string,
  requestId: string,
  { group, name }: NamedModel,
  { readers, version }: ForeignApiOptions,
): AnswerHead {
  return {
    id: `${prefix}${requestId.replaceAll('-', '')}`,
    created: seconds(),
    model: name,
    fingerprint: fingerprintOf(group, readers, version),
  };
}

const seconds = (): number => Math.floor(Date.now() / 1000);

// POST /count: what the prompts of a generate request take, without an answer. It takes the body of either form of them: JSON, or the form
// of an upload.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { CountResponse, PromptCounts } from 'takeoff-wire';
import type { CountedPrompts, Counting } from '../../answer/counting.js';
import { answerCount } from '../connection/count-prompts.js';
import { addEncodingCheck } from '../connection/content-encoding.js';
import type { HttpLimits } from '../connection/http-limits.js';
import { addJsonParser, jsonBodyOf } from '../connection/json-body.js';
import type { BodyReader } from '../connection/read-body.js';
import { addFormParser, formOf, isForm, type ImageForm } from './image-form.js';
import { COUNT } from './native-operations.js';
import { parseGenerateRequest, type ParsedRequest } from './parse-generate-request.js';

export interface CountOptions {
  readonly counting: Counting;
  readonly limits: HttpLimits;
  readonly readBody: BodyReader;
}

interface CountRoute {
  Body: ImageForm | undefined;
}

export async function addCountRoute(app: FastifyInstance, options: CountOptions): Promise<void> {
  const { counting, limits, readBody } = options;
  const parse = (request: FastifyRequest<CountRoute>): ParsedRequest => {
    if (!isForm(request)) return parseGenerateRequest(jsonBodyOf(request), null, limits);
    const { json, imageBytes } = formOf(request.body);
    return parseGenerateRequest(json, imageBytes, limits);
  };
  await app.register((scope, _options, done) => {
    addEncodingCheck(scope);
    addJsonParser(scope, readBody);
    addFormParser(scope, readBody);
    scope.post<CountRoute>('/count', { config: { operation: COUNT } }, (request, reply) => {
      const { job, shape } = parse(request);
      return answerCount(counting, job, reply, (counted) => countResponse(counted, shape.isList));
    });
    done();
  });
}

function countResponse({ counts, contextTokens }: CountedPrompts, isList: boolean): CountResponse {
  const all = counts.map(({ promptTokens, imageTokens }): PromptCounts => {
    const room = Math.max(0, contextTokens - promptTokens);
    return {
      prompt_tokens: promptTokens,
      image_tokens: imageTokens,
      fits: promptTokens > 0 && room > 0,
      max_answer_tokens: promptTokens > 0 ? room : 0,
    };
  });
  const [count = []] = all;
  return { count: isList ? all : count, context_tokens: contextTokens };
}

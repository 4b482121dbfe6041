// The token tools of one reader: /tokenize, /detokenize and /chat_template. A reader answers them at once, beside its requests.
import type { FastifyInstance } from 'fastify';
import type { ChatTemplateResponse, DetokenizeResponse, TokenizeResponse } from 'takeoff-wire';
import type { ReaderQuestions } from '../../answer/reader-questions.js';
import { addEncodingCheck } from '../connection/content-encoding.js';
import type { HttpLimits } from '../connection/http-limits.js';
import { addJsonParser, jsonBodyOf } from '../connection/json-body.js';
import type { BodyReader } from '../connection/read-body.js';
import { CHAT_TEMPLATE, DETOKENIZE, TOKENIZE } from './token-operations.js';
import { parseChatTemplate, parseDetokenize, parseTokenize } from './parse-token-request.js';

export interface TokenToolOptions {
  readonly questions: ReaderQuestions;
  readonly limits: HttpLimits;
  readonly readBody: BodyReader;
}

interface ReaderRoute {
  Params: { readonly reader_id: string };
}

export async function addTokenTools(app: FastifyInstance, options: TokenToolOptions): Promise<void> {
  const { questions, limits, readBody } = options;
  await app.register((json, _options, done) => {
    addEncodingCheck(json);
    addJsonParser(json, readBody);
    json.post<ReaderRoute>(
      '/tokenize/:reader_id',
      { config: { operation: TOKENIZE } },
      async (request): Promise<TokenizeResponse> => {
        const question = parseTokenize(jsonBodyOf(request), limits);
        const { tokens } = await questions.askReader<'tokenize'>(request.params.reader_id, question);
        return { tokens: [...tokens], tokens_count: tokens.length };
      },
    );
    json.post<ReaderRoute>(
      '/detokenize/:reader_id',
      { config: { operation: DETOKENIZE } },
      async (request): Promise<DetokenizeResponse> => {
        const question = parseDetokenize(jsonBodyOf(request));
        const { text } = await questions.askReader<'detokenize'>(request.params.reader_id, question);
        return { text };
      },
    );
    json.post<ReaderRoute>(
      '/chat_template/:reader_id',
      { config: { operation: CHAT_TEMPLATE } },
      async (request): Promise<ChatTemplateResponse> => {
        const question = parseChatTemplate(jsonBodyOf(request), limits);
        const { texts } = await questions.askReader<'render'>(request.params.reader_id, question);
        return { messages: [...texts] };
      },
    );
    done();
  });
}

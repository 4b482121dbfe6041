// The token tools, as the description of the inference port tells them.
import {
  chatTemplateRequestSchema,
  chatTemplateResponseSchema,
  detokenizeRequestSchema,
  detokenizeResponseSchema,
  tokenizeRequestSchema,
  tokenizeResponseSchema,
  type ErrorCode,
} from 'takeoff-wire';
import { z } from 'zod';
import { READER_ERRORS } from '../connection/answer-errors.js';
import { answeredWith, type Operation, type Parameter } from '../description/operation.js';
import { RENDERED, SPELT, TEXT_OF_TOKENS } from './token-examples.js';

const TAG = 'Tokens';

const READER: readonly Parameter[] = [
  {
    name: 'reader_id',
    place: 'path',
    description: 'A key of `live_readers` in /status.',
    schema: z.string(),
  },
];

const errors: readonly ErrorCode[] = [
  ...READER_ERRORS,
  'request.reader_unknown',
  'request.wrong_shape',
  'request.out_of_range',
];

export const TOKENIZE: Operation = {
  tag: TAG,
  summary: 'Tokens of a text',
  parameters: READER,
  body: { json: tokenizeRequestSchema },
  answers: answeredWith(tokenizeResponseSchema, 'The tokens in their order.'),
  errors: [...errors, 'request.prompt_too_large', 'request.template_failed'],
  examples: [SPELT],
};

export const DETOKENIZE: Operation = {
  tag: TAG,
  summary: 'Text of tokens',
  parameters: READER,
  body: { json: detokenizeRequestSchema },
  answers: answeredWith(detokenizeResponseSchema, 'The text.'),
  errors: [...errors, 'request.batch_too_large'],
  examples: [TEXT_OF_TOKENS],
};

export const CHAT_TEMPLATE: Operation = {
  tag: TAG,
  summary: 'Conversations as the prompts that they become',
  parameters: READER,
  body: { json: chatTemplateRequestSchema },
  answers: answeredWith(chatTemplateResponseSchema, 'The prompts.'),
  errors: [
    ...errors,
    'request.batch_empty',
    'request.batch_too_large',
    'request.prompt_too_large',
    'request.template_failed',
  ],
  examples: [RENDERED],
};

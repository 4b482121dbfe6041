// The OpenAI API, as the descriptions of its ports tell it.
import type { ErrorCode } from 'takeoff-wire';
import { z } from 'zod';
import { ANSWER_ERRORS, FOREIGN_ERRORS } from '../connection/answer-errors.js';
import { answeredWith, type Answer, type EventStream, type Operation } from '../description/operation.js';
import { modelsSchema, openaiErrorSchema } from './answer-schemas.js';
import { chatChunkSchema, chatCompletionSchema } from './chat/chat-answer.js';
import { describedChatRequest } from './chat/parse-chat-request.js';
import { completionChunkSchema, completionSchema } from './completions/completion-answer.js';
import { describedCompletionRequest } from './completions/parse-completion-request.js';
import { OPENAI_ERROR_FORM } from './openai-error.js';
import { CHAT, COMPLETION, NO_MESSAGES, RESPONSE } from './openai-examples.js';
import { describedResponseRequest } from './responses/parse-response-request.js';
import { RESPONSE_EVENTS, responseSchema } from './responses/response-answer.js';

const TAG = 'OpenAI';

const errors: readonly ErrorCode[] = [...ANSWER_ERRORS, ...FOREIGN_ERRORS, 'request.wrong_shape'];

const answers = (schema: z.ZodType, events: EventStream): readonly [Answer] => [
  {
    status: 200,
    description: 'The answer; events with `stream`.',
    headers: { 'Server-Timing': 'What the time of the request went into.' },
    content: [
      { kind: 'json', schema },
      { kind: 'events', events },
    ],
  },
];

const chunks = (schema: z.ZodType): EventStream => ({
  message: [
    { kind: 'json', schema },
    { kind: 'json', schema: openaiErrorSchema },
    { kind: 'text', description: 'The last one of a stream that did not fail.', exactly: '[DONE]' },
  ],
});

const asked = (told: Pick<Operation, 'summary' | 'body' | 'answers' | 'examples'>): Operation => ({
  tag: TAG,
  errorForm: OPENAI_ERROR_FORM,
  errors,
  ...told,
});

export const CHAT_COMPLETIONS = asked({
  summary: 'Go on with a conversation',
  body: { json: describedChatRequest },
  answers: answers(chatCompletionSchema, chunks(chatChunkSchema)),
  examples: [CHAT, NO_MESSAGES],
});

export const COMPLETIONS = asked({
  summary: 'Go on with a text',
  body: { json: describedCompletionRequest },
  answers: answers(completionSchema, chunks(completionChunkSchema)),
  examples: [COMPLETION],
});

export const RESPONSES = asked({
  summary: 'Answer an input',
  body: { json: describedResponseRequest },
  answers: answers(
    responseSchema,
    Object.fromEntries(
      Object.entries(RESPONSE_EVENTS).map(([name, schema]) => [name, [{ kind: 'json', schema }]]),
    ),
  ),
  examples: [RESPONSE],
});

export const MODELS: Operation = {
  tag: TAG,
  summary: 'What `model` of a request can name',
  answers: answeredWith(modelsSchema.list, 'The consumer groups that have readers.'),
  errors: [],
  errorForm: OPENAI_ERROR_FORM,
};

export const MODEL: Operation = {
  tag: TAG,
  summary: 'One of them, or the model that it stands for',
  documentedPath: '/v1/models/{model}',
  parameters: [
    {
      name: 'model',
      place: 'path',
      description: 'A name of /v1/models. Slashes need not be encoded.',
      schema: z.string(),
    },
  ],
  answers: answeredWith(modelsSchema.one, 'The model.'),
  errors: ['request.model_unknown'],
  errorForm: OPENAI_ERROR_FORM,
};

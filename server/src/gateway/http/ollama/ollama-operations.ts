// The Ollama API, as the description of its port tells it.
import type { ErrorCode } from 'takeoff-wire';
import { z } from 'zod';
import { ANSWER_ERRORS, FOREIGN_ERRORS } from '../connection/answer-errors.js';
import { answeredWith, type Answer, type Operation } from '../description/operation.js';
import { describedChatRequest } from './input/parse-chat-request.js';
import { describedGenerateRequest } from './input/parse-generate-request.js';
import { chatSchemas, generateSchemas, modelSchemas } from './ollama-answers.js';
import { OLLAMA_ERROR_FORM, ollamaErrorSchema } from './ollama-error.js';
import { CHAT_EXAMPLE, GENERATE_EXAMPLE, NO_ROLE } from './ollama-examples.js';
import { showRequestSchema } from './show-request.js';

const TAG = 'Ollama';

const errors: readonly ErrorCode[] = [...ANSWER_ERRORS, ...FOREIGN_ERRORS];

const answers = ({ whole, line }: Record<'whole' | 'line', z.ZodType>): readonly [Answer] => [
  {
    status: 200,
    description: 'Lines of JSON, or the whole answer where `stream` is false or there is no prompt.',
    content: [
      { kind: 'json', schema: whole },
      { kind: 'lines', line: z.union([line, ollamaErrorSchema]) },
    ],
  },
];

const described = (told: Pick<Operation, 'summary' | 'answers'> & Partial<Operation>): Operation => ({
  tag: TAG,
  errors: [],
  ...told,
  errorForm: OLLAMA_ERROR_FORM,
});

export const CHAT = described({
  summary: 'Go on with a conversation',
  body: { json: describedChatRequest },
  answers: answers(chatSchemas),
  errors,
  examples: [CHAT_EXAMPLE, NO_ROLE],
});

export const GENERATE = described({
  summary: 'Answer a prompt',
  body: { json: describedGenerateRequest },
  answers: answers(generateSchemas),
  errors,
  examples: [GENERATE_EXAMPLE],
});

export const TAGS = described({
  summary: 'What `model` of a request can name',
  answers: answeredWith(modelSchemas.tags, 'The consumer groups that have readers.'),
});

export const RUNNING = described({
  summary: 'Models that take requests at this moment',
  answers: answeredWith(modelSchemas.running, 'The consumer groups that have a live reader.'),
});

export const SHOW = described({
  summary: 'What a model is',
  body: { json: showRequestSchema },
  answers: answeredWith(modelSchemas.shown, 'The model.'),
  errors: ['request.field_invalid', 'request.model_unknown'],
});

export const VERSION = described({
  summary: 'The version of Ollama whose API this is',
  answers: answeredWith(modelSchemas.version, 'For programs that want a certain one.'),
});

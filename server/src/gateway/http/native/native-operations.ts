// The generate endpoints and /count, as the description of the inference port tells them.
import {
  batchEventSchema,
  countResponseSchema,
  errorBodySchema,
  generateRequestSchema,
  generateResponseSchema,
  metadataEventSchema,
  type ErrorCode,
} from 'takeoff-wire';
import { ANSWER_ERRORS, PROMPT_ERRORS } from '../connection/answer-errors.js';
import { answeredWith, type Answer, type Example, type Operation } from '../description/operation.js';
import {
  CHART_STREAM,
  COUNTED_IMAGE,
  DESCRIBED_IMAGE,
  NO_TEXT,
  SHORT_BATCH_STREAM,
  TEXT_ONLY,
} from './native-examples.js';

const TAG = 'Generate';
const JSON_BODY = { json: generateRequestSchema };
const FORM_BODY = { form: generateRequestSchema };

const NATIVE_ERRORS: readonly ErrorCode[] = ['request.wrong_shape', 'request.batch_empty'];
const errors = [...NATIVE_ERRORS, ...ANSWER_ERRORS];

const BUFFERED: readonly [Answer] = [
  {
    status: 200,
    description: 'The answers.',
    headers: { 'Server-Timing': 'What the time of the request went into.' },
    content: [{ kind: 'json', schema: generateResponseSchema }],
  },
];

const STREAMED: readonly [Answer] = [
  {
    status: 200,
    description:
      'An event for each piece of text. The stream ends where the response ends; after an event `error` comes nothing.',
    headers: { 'Server-Timing': 'What the time of the request went into until the stream began.' },
    content: [
      {
        kind: 'events',
        events: {
          message: [
            {
              kind: 'text',
              description: 'Where `text` of the request is one prompt: a piece of the answer.',
            },
            { kind: 'json', schema: batchEventSchema },
            { kind: 'json', schema: metadataEventSchema },
          ],
          error: [{ kind: 'json', schema: errorBodySchema }],
        },
      },
    ],
  },
];

const generate = (told: Pick<Operation, 'summary' | 'body' | 'answers'>, examples: readonly Example[]) => ({
  tag: TAG,
  errors,
  examples,
  ...told,
});

export const GENERATE: Operation = generate(
  { summary: 'Answer a prompt, or a list of them', body: JSON_BODY, answers: BUFFERED },
  [TEXT_ONLY, NO_TEXT],
);

export const GENERATE_STREAM: Operation = generate(
  { summary: 'Answer piece by piece', body: JSON_BODY, answers: STREAMED },
  [SHORT_BATCH_STREAM],
);

export const IMAGE_GENERATE: Operation = generate(
  { summary: 'Answer prompts about an image', body: FORM_BODY, answers: BUFFERED },
  [DESCRIBED_IMAGE],
);

export const IMAGE_GENERATE_STREAM: Operation = generate(
  { summary: 'Answer prompts about an image piece by piece', body: FORM_BODY, answers: STREAMED },
  [CHART_STREAM],
);

export const COUNT: Operation = {
  tag: 'Tokens',
  summary: 'Count the tokens of a generate request',
  description: 'An extension. Takes no place in the queue, and answers without a word of the model.',
  body: { ...JSON_BODY, ...FORM_BODY },
  answers: answeredWith(countResponseSchema, 'What the prompts take in the model that would answer them.'),
  errors: [...NATIVE_ERRORS, ...PROMPT_ERRORS],
  examples: [COUNTED_IMAGE],
};

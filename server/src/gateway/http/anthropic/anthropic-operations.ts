// Anthropic's API, as the description of its port tells it.
import { ANSWER_ERRORS, FOREIGN_ERRORS, PROMPT_ERRORS } from '../connection/answer-errors.js';
import { answeredWith, type EventStream, type Operation } from '../description/operation.js';
import { MESSAGE_EVENTS, messageSchema, tokenCountSchema } from './anthropic-answers.js';
import { ANTHROPIC_ERROR_FORM, anthropicErrorSchema } from './anthropic-error.js';
import { COUNT_EXAMPLE, MESSAGE_EXAMPLE, NO_MESSAGES } from './anthropic-examples.js';
import { describedMessageRequest } from './input/parse-message-request.js';

const TAG = 'Anthropic';

const events: EventStream = {
  ...Object.fromEntries(
    Object.entries(MESSAGE_EVENTS).map(([name, schema]) => [name, [{ kind: 'json' as const, schema }]]),
  ),
  error: [{ kind: 'json', schema: anthropicErrorSchema }],
};

export const MESSAGES: Operation = {
  tag: TAG,
  summary: 'Go on with a conversation',
  body: { json: describedMessageRequest },
  answers: [
    {
      status: 200,
      description: 'The answer; events with `stream`.',
      headers: {
        'request-id': 'The same as x-request-id.',
        'Server-Timing': 'What the time of the request went into.',
      },
      content: [
        { kind: 'json', schema: messageSchema },
        { kind: 'events', events },
      ],
    },
  ],
  errors: [...ANSWER_ERRORS, ...FOREIGN_ERRORS],
  errorForm: ANTHROPIC_ERROR_FORM,
  examples: [MESSAGE_EXAMPLE, NO_MESSAGES],
};

export const COUNT_TOKENS: Operation = {
  tag: TAG,
  summary: 'What a conversation takes in tokens',
  body: { json: describedMessageRequest },
  answers: answeredWith(tokenCountSchema, 'Tokens of the prompt, those of images included.'),
  errors: [...PROMPT_ERRORS, ...FOREIGN_ERRORS],
  errorForm: ANTHROPIC_ERROR_FORM,
  examples: [COUNT_EXAMPLE],
};

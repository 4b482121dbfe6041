// Requests of Anthropic's API and what the demo model answers: test/description/demo-answers.test.ts sends each of them.
import type { Example } from '../description/operation.js';

const ASKED = { model: 'primary', messages: [{ role: 'user', content: 'What is in the image?' }] };

export const MESSAGE_EXAMPLE: Example = {
  name: 'A question',
  body: { ...ASKED, max_tokens: 16, temperature: 0 },
  answer: {
    id: 'msg_15099fc63bc342ed88804165cf060a0a',
    type: 'message',
    role: 'assistant',
    model: 'primary',
    content: [{ type: 'text', text: 'I do not see a picture.' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: {
      input_tokens: 1,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 39,
      output_tokens: 7,
    },
  },
};

export const NO_MESSAGES: Example = {
  name: 'A request without messages',
  body: { model: 'primary', max_tokens: 16 },
  status: 400,
  answer: {
    type: 'error',
    error: {
      type: 'invalid_request_error',
      message: 'messages is missing; allowed is a list of 1 to 4096 messages.',
      code: 'request.field_invalid',
    },
  },
};

export const COUNT_EXAMPLE: Example = {
  name: 'A question',
  body: ASKED,
  answer: { input_tokens: 40 },
};

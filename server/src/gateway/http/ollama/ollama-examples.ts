// Requests of the Ollama API and what the demo model answers: test/description/demo-answers.test.ts sends each of them.
import type { Example } from '../description/operation.js';

const TIMES = {
  total_duration: 37_126_042,
  load_duration: 0,
  prompt_eval_count: 40,
  prompt_eval_duration: 18_220_611,
  eval_count: 7,
  eval_duration: 12_914_280,
};

export const CHAT_EXAMPLE: Example = {
  name: 'A question',
  body: {
    model: 'primary',
    messages: [{ role: 'user', content: 'What is in the image?' }],
    stream: false,
    options: { temperature: 0, num_predict: 16 },
  },
  answer: {
    model: 'primary',
    created_at: '2026-11-30T23:10:41.202Z',
    message: { role: 'assistant', content: 'I do not see a picture.' },
    done: true,
    done_reason: 'stop',
    ...TIMES,
  },
};

export const NO_ROLE: Example = {
  name: 'A message without a role',
  body: { model: 'primary', messages: [{ content: 'What is in the image?' }] },
  status: 400,
  answer: {
    error: 'messages[0].role is missing; allowed is a string.',
    code: 'request.field_invalid',
  },
};

export const GENERATE_EXAMPLE: Example = {
  name: 'A prompt',
  body: {
    model: 'primary',
    prompt: 'What is in the image?',
    stream: false,
    options: { temperature: 0, num_predict: 16 },
  },
  answer: {
    model: 'primary',
    created_at: '2026-11-30T23:10:41.311Z',
    response: 'I do not see a picture.',
    done: true,
    done_reason: 'stop',
    ...TIMES,
  },
};

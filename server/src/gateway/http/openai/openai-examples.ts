// Requests of the OpenAI API and what the demo model answers: test/description/demo-answers.test.ts sends each of them.
import type { Example } from '../description/operation.js';

export const CHAT: Example = {
  name: 'A question',
  body: {
    model: 'primary',
    messages: [{ role: 'user', content: 'What is in the image?' }],
    temperature: 0,
    max_tokens: 16,
  },
  answer: {
    id: 'chatcmpl-15099fc63bc342ed88804165cf060a0a',
    object: 'chat.completion',
    created: 1795906211,
    model: 'primary',
    system_fingerprint: 'fp_0921e290a4',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'I do not see a picture.', refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: {
      prompt_tokens: 40,
      completion_tokens: 7,
      total_tokens: 47,
      prompt_tokens_details: { cached_tokens: 39, image_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0 },
    },
  },
};

export const NO_MESSAGES: Example = {
  name: 'A request without messages',
  body: { model: 'primary' },
  status: 400,
  answer: {
    error: {
      message: 'messages is missing; allowed is a list of 1 to 4096 messages.',
      type: 'invalid_request_error',
      param: 'messages',
      code: 'request.field_invalid',
    },
  },
};

export const COMPLETION: Example = {
  name: 'A prompt as the model has it',
  body: {
    model: 'primary',
    prompt: 'USER: What is in the image?\nASSISTANT:',
    temperature: 0,
    max_tokens: 8,
  },
  answer: {
    id: 'cmpl-bff6c23739e44f4fbfe623f20f3e50ac',
    object: 'text_completion',
    created: 1795906211,
    model: 'primary',
    system_fingerprint: 'fp_0921e290a4',
    choices: [{ text: 'I do not see a picture.', index: 0, logprobs: null, finish_reason: 'stop' }],
    usage: {
      prompt_tokens: 14,
      completion_tokens: 7,
      total_tokens: 21,
      prompt_tokens_details: { cached_tokens: 6, image_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0 },
    },
  },
};

export const RESPONSE: Example = {
  name: 'A question',
  body: { model: 'primary', input: 'What is in the image?', temperature: 0, max_output_tokens: 16 },
  answer: {
    id: 'resp_cbb91946a11944fd8ccb5e45e7e7d3df',
    object: 'response',
    created_at: 1795906212,
    status: 'completed',
    background: false,
    error: null,
    incomplete_details: null,
    model: 'primary',
    output: [
      {
        id: 'msg_cbb91946a11944fd8ccb5e45e7e7d3df',
        type: 'message',
        status: 'completed',
        role: 'assistant',
        content: [{ type: 'output_text', text: 'I do not see a picture.', annotations: [] }],
      },
    ],
    instructions: null,
    max_output_tokens: 16,
    temperature: 0,
    top_p: 1,
    top_logprobs: 0,
    metadata: {},
    text: { format: { type: 'text' } },
    tools: [],
    tool_choice: 'auto',
    parallel_tool_calls: false,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    truncation: 'disabled',
    usage: {
      input_tokens: 40,
      input_tokens_details: { cached_tokens: 39, image_tokens: 0 },
      output_tokens: 7,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 47,
    },
    user: null,
  },
};

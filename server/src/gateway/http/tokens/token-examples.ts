// Requests of the token tools and what the demo model answers: test/description/demo-answers.test.ts sends each of them.
import type { Example } from '../description/operation.js';

/** As `--reader-id demo` names it. */
const parameters = { reader_id: 'demo' };

export const SPELT: Example = {
  name: 'A short text',
  parameters,
  body: { text: 'Is there a square?' },
  answer: { tokens: ['<s>', '▁Is', '▁there', '▁a', '▁square', '?'], tokens_count: 6 },
};

export const TEXT_OF_TOKENS: Example = {
  name: 'Tokens by their spellings',
  parameters,
  body: { tokens: ['<s>', '▁Is', '▁there', '▁a', '▁square', '?'], skip_special_tokens: true },
  answer: { text: 'Is there a square?' },
};

export const RENDERED: Example = {
  name: 'A conversation',
  parameters,
  body: {
    inputs: [[{ role: 'user', content: 'Is there a square?' }]],
    add_generation_prompt: true,
  },
  answer: {
    messages: [
      "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the user's questions. USER: Is there a square? ASSISTANT:",
    ],
  },
};

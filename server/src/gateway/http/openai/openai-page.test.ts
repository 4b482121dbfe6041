// docs/openai.md is written for people, but its limits and lists must be those of the program.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { REFUSED_CHAT_FIELDS } from './chat/parse-chat-request.js';
import { REFUSED_COMPLETION_FIELDS } from './completions/parse-completion-request.js';
import {
  DEFAULT_MAX_TOKENS,
  MAX_BIASES,
  MAX_CHOICES,
  MAX_LOGPROBS,
  MAX_STOP_CHARACTERS,
  MAX_STOPS,
  MAX_TOP_LOGPROBS,
} from '../input/generation-fields.js';
import { OPENAI_CODES } from './openai-error.js';
import { REFUSED_RESPONSE_FIELDS } from './responses/parse-response-request.js';

const page = readFileSync(new URL('../../../../../docs/openai.md', import.meta.url), 'utf8');
const refused = page.split('\nRefused with 400')[1]?.split('\n### ')[0] ?? '';

describe('docs/openai.md', () => {
  it.each([
    `${DEFAULT_MAX_TOKENS} tokens in chats and responses`,
    `a list of up to ${MAX_STOPS}, of up to ${MAX_STOP_CHARACTERS} characters each`,
    `Answers to one prompt, up to ${MAX_CHOICES}.`,
    `Up to ${MAX_BIASES} token ids`,
    `Up to ${MAX_TOP_LOGPROBS} alternatives for each token`,
    `have ${MAX_LOGPROBS} at most`,
  ])('says: %s', (sentence) => {
    expect(page).toContain(sentence);
  });

  const fields = { ...REFUSED_CHAT_FIELDS, ...REFUSED_COMPLETION_FIELDS, ...REFUSED_RESPONSE_FIELDS };
  it.each(Object.keys(fields))('names %s among what is refused', (field) => {
    expect(refused).toMatch(new RegExp(`\`${field}\\b`, 'u'));
  });

  it.each(Object.entries(OPENAI_CODES))('says that %s is told as %s', (ours, theirs) => {
    expect(page).toContain(`\`${theirs}\` (\`${ours}\`)`);
  });
});

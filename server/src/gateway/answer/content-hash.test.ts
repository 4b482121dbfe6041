import { expect, it } from 'vitest';
import type { GenerateMessage } from '../../link/requests/messages.js';
import { contentHash } from './content-hash.js';
import { messageOf } from './message.fixture.js';

const IMAGE = { sha256: 'ab', widthPx: 4, heightPx: 3, sidePx: 112, tiles: new Uint8Array(3) };
const BASE: GenerateMessage = { ...messageOf(1, 'a'), images: [IMAGE] };

it('is the same for the same content under another request id', () => {
  expect(contentHash({ ...BASE, requestId: 'b' })).toBe(contentHash(BASE));
});

it.each<[string, Partial<GenerateMessage>]>([
  ['another prompt', { prompts: [{ kind: 'raw', parts: [{ kind: 'text', text: 'other' }] }] }],
  ['one prompt more', { prompts: [...BASE.prompts, ...BASE.prompts] }],
  [
    'the same words through a template',
    {
      prompts: [
        {
          kind: 'conversation',
          system: null,
          turns: [{ role: 'user', parts: [{ kind: 'text', text: 'prompt 0' }] }],
        },
      ],
    },
  ],
  ['another image', { images: [{ ...IMAGE, sha256: 'cd' }] }],
  ['no image', { images: [] }],
  ['another cut', { promptMaxTokens: 5 }],
  ['other sampling', { sampling: { ...BASE.sampling, temperature: 0.5 } }],
])('differs for %s', (_, changes) => {
  expect(contentHash({ ...BASE, ...changes })).not.toBe(contentHash(BASE));
});

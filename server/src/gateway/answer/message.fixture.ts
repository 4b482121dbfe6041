// For tests only: a request of some prompts, and the events of a reader about it.
import type { ReaderDeath } from './consumer-group.js';
import type { DoneEvent, GenerateMessage, TokenEvent } from '../../link/requests/messages.js';
import { GREEDY } from '../../link/requests/greedy.js';

export const messageOf = (promptCount = 1, requestId = 'r'): GenerateMessage => ({
  kind: 'generate',
  requestId,
  prompts: Array.from({ length: promptCount }, (_, prompt) => ({
    kind: 'raw',
    parts: [{ kind: 'text', text: `prompt ${prompt}` }],
  })),
  images: [],
  promptMaxTokens: null,
  imageTokenBudget: null,
  cacheSalt: null,
  loraId: null,
  sampling: { ...GREEDY, minNewTokens: 1 },
  constraint: null,
});

/** The end of a reader that was at work on these requests. */
export const deathOf = (...requestIds: string[]): ReaderDeath => ({ reason: 'killed', requestIds });

export const tokenOf = (text: string, prompt = 0, requestId = 'r'): TokenEvent => ({
  kind: 'token',
  requestId,
  prompt,
  text,
});

export const doneOf = (prompt = 0, requestId = 'r'): DoneEvent => ({
  kind: 'done',
  requestId,
  prompt,
  finishReason: 'stop',
  usage: { promptTokens: 7, imageTokens: 3, cachedTokens: 1, generatedTokens: 2 },
  times: { visionMs: 0, prefillMs: 0, decodeMs: 0 },
});

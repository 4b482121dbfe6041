import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.js';
import type { GenerateMessage, SamplingParameters } from '../link/requests/messages.js';
import { GREEDY } from '../link/requests/greedy.js';
import { RowNumbers } from './kv/row-key.js';
import { createEchoModel } from './load/echo-model.js';
import { serveTemplate } from './load/served-template.js';
import { SequenceFactory } from './sequence-factory.js';

const echo = createEchoModel({
  contextTokens: 64,
  cells: 64,
  maxSequences: 2,
  slots: 2,
  maxRows: 8,
  rowGroup: 1,
});
const model = { ...echo, template: serveTemplate(null, echo.description).template };
const rowNumbers = new RowNumbers(64);
const factory = new SequenceFactory({ ...model, rowNumbers, contextTokens: 64 });

const messageOf = (sampling: Partial<SamplingParameters>, promptCount = 1): GenerateMessage => ({
  kind: 'generate',
  requestId: 'r',
  prompts: Array.from({ length: promptCount }, () => ({ kind: 'raw', parts: [{ kind: 'text', text: 'a' }] })),
  images: [],
  promptMaxTokens: null,
  imageTokenBudget: null,
  cacheSalt: null,
  loraId: null,
  constraint: null,
  sampling: { ...GREEDY, ...sampling },
});

describe('SequenceFactory', () => {
  it('gives each answer of a request a seed of its own, all of them after that of the request', () => {
    const seeds = (seed: number | null) =>
      [0, 1, 2].map((prompt) => factory.create(messageOf({ seed }, 3), prompt).sampling.seed);
    expect(seeds(7)).toEqual([7, 8, 9]);
    expect(seeds(2 ** 32 - 2)).toEqual([2 ** 32 - 2, 2 ** 32 - 1, 0]);
    expect(seeds(null)).toEqual([null, null, null]);
  });

  it('counts as many rows of an image as the request allows, else the reader, and knows each choice apart', () => {
    const images = [{ sha256: 'ab', widthPx: 4, heightPx: 3, sidePx: 112, tiles: new Uint8Array() }];
    const prompts: GenerateMessage['prompts'] = [{ kind: 'raw', parts: [{ kind: 'image', image: 0 }] }];
    const options = { ...model, rowNumbers, contextTokens: 100, imageTokenBudget: 20 };
    const rowsAt = (imageTokenBudget: GenerateMessage['imageTokenBudget'], of = options) => {
      const message = { ...messageOf({}), images, prompts, imageTokenBudget };
      const { imageRows, kvDemand } = new SequenceFactory(of).create(message, 0);
      return { imageRows, first: kvDemand.promptRows[0] };
    };
    expect([rowsAt(null), rowsAt(7), rowsAt(64), rowsAt('full')].map(({ imageRows }) => imageRows)).toEqual([
      20, 7, 64, 64,
    ]);
    expect(rowsAt(64).first).toBe(rowsAt('full').first);
    expect(rowsAt(20).first).toBe(rowsAt(null).first);
    expect(new Set([7, 20, 64].map((budget) => rowsAt(budget).first)).size).toBe(3);
  });

  it('refuses to leave rows out of an image where the tower cannot tell which, and says what can be sent', () => {
    const images = [{ sha256: 'ab', widthPx: 4, heightPx: 3, sidePx: 112, tiles: new Uint8Array() }];
    const blind = new SequenceFactory({ ...model, rowNumbers, contextTokens: 64, canReduceImages: false });
    expect(() => blind.create({ ...messageOf({}), images, imageTokenBudget: 63 }, 0)).toThrow(
      /image_token_budget is 63 and the image has 64 tokens.* Send "full"/u,
    );
    expect(() => blind.create({ ...messageOf({}), images, imageTokenBudget: 64 }, 0)).not.toThrow();
  });

  it('encodes a prompt once for several answers to it, and anew where anything of it differs', () => {
    let encoded = 0;
    const counting = {
      ...model.tokenizer,
      encodePlain: (text: string) => {
        encoded += 1;
        return model.tokenizer.encodePlain(text);
      },
    };
    const counted = new SequenceFactory({ ...model, rowNumbers, tokenizer: counting, contextTokens: 64 });
    const message = messageOf({}, 3);
    const rows = [0, 1, 2].map((prompt) => counted.create(message, prompt).promptRows);
    expect([rows, encoded]).toEqual([[1, 1, 1], 1]);
    counted.create({ ...message, promptMaxTokens: 5 }, 0);
    counted.create({ ...message, prompts: [{ kind: 'raw', parts: [{ kind: 'text', text: 'b' }] }] }, 0);
    expect(encoded).toBe(3);
  });

  it('refuses a bias for a token that the model lacks, and says which it has', () => {
    const { tokenCount } = model.description.tokenizer;
    const biased = (token: number) => messageOf({ logitBias: [{ token, bias: 1 }] });
    expect(() => factory.create(biased(tokenCount - 1), 0)).not.toThrow();
    expect(() => factory.create(biased(tokenCount), 0)).toThrow(InputError);
    expect(() => factory.create(biased(tokenCount), 0)).toThrow(
      `logit_bias names token ${tokenCount}; this model has the tokens 0 to ${tokenCount - 1}.`,
    );
  });
});

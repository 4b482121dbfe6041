import { describe, expect, it } from 'vitest';
import { messageOf } from '../gateway/answer/message.fixture.js';
import { START } from '../gateway/readers/scripted-reader.fixture.js';
import type { FromReader } from '../link/messages.js';
import { createEchoModel } from './load/echo-model.js';
import { serveTemplate } from './load/served-template.js';
import { serveModel } from './serve.js';

const LIMITS = { contextTokens: 512, cells: 512, maxSequences: 2, slots: 2, maxRows: 64, rowGroup: 1 };

function serve(step?: () => never) {
  const model = createEchoModel(LIMITS);
  if (step !== undefined) model.engine.step = step;
  const sent: FromReader[] = [];
  const serving = serveModel({
    start: START,
    model: {
      ...model,
      template: serveTemplate(null, model.description).template,
      device: null,
      prepareAdapter: (source) => Promise.resolve(source),
      modelConfig: null,
      prefillChunkRows: LIMITS.maxRows,
    },
    send: (message) => sent.push(message),
  });
  return { serving, kinds: () => sent.map(({ kind }) => kind), sent };
}

describe('a reader', () => {
  it('says that it is ready, answers, and ends with 0 when it was told to drain', async () => {
    const { serving, kinds } = serve();
    serving.receive(messageOf());
    serving.receive({ kind: 'drain' });
    expect(await serving.ended).toBe(0);
    expect(kinds().slice(0, 2)).toEqual(['ready', 'token']);
    expect(kinds().at(-1)).toBe('done');
  });

  it('whose engine fails at its first step leaves the request to be answered by another, and ends', async () => {
    const { serving, sent, kinds } = serve(() => {
      throw new TypeError('broken engine');
    });
    serving.receive(messageOf());
    serving.receive(messageOf());
    expect(await serving.ended).toBe(1);
    expect(kinds()).toEqual(['ready', 'failed']);
    expect(sent.at(-1)).toMatchObject({ kind: 'failed', code: 'defect' });
  });
});

import { describe, expect, it } from 'vitest';
import type { Question } from '../../link/requests/questions.js';
import { answerForCluster } from './cluster-questions.js';

const ask = (question: Question) => answerForCluster({ kind: 'ask', requestId: 'q', question });

describe('questions to a reader of a cluster', () => {
  it.each<Question>([
    { kind: 'tokenize', prompts: [], images: [], skipsSpecialTokens: true },
    { kind: 'detokenize', tokens: [1], skipsSpecialTokens: true },
    { kind: 'render', conversations: [], opensAnswer: true },
    { kind: 'count', prompts: [], images: [], promptMaxTokens: null, imageTokenBudget: null },
  ])('about tokens are refused: $kind', (question) => {
    expect(ask(question)).toMatchObject({ kind: 'refusal', requestId: 'q', code: 'request.not_supported' });
  });

  it('about the configuration of the model find none', () => {
    expect(ask({ kind: 'model_config' })).toMatchObject({ answer: { kind: 'model_config', json: null } });
  });

  it('change no adapters', () => {
    expect(ask({ kind: 'adapters', loras: { a: 'b' } })).toMatchObject({ code: 'request.reader_invalid' });
    expect(ask({ kind: 'adapters', loras: {} })).toMatchObject({ answer: { loras: [] } });
  });
});

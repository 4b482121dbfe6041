// What the token tools answer for the goldens' texts and conversations, against the reference's ids and counts and against the pieces of
// each tokenizer.model. The vocabulary is the oracle; native-tokenizer.test.ts compares llama.cpp's with it.
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeCheckpoint } from '../../server/src/checkpoint/source/describe-checkpoint.js';
import type { ImageSize } from '../../server/src/link/requests/questions.js';
import type { ModelDescription, TemplateName } from '../../server/src/model/description.js';
import { toTokenId } from '../../server/src/reader/ids.js';
import { namedTemplate } from '../../server/src/reader/prompt/conversation-template.js';
import { QuestionAnswerer } from '../../server/src/reader/questions/answer-questions.js';
import { openCheckpointVocabulary } from '../oracles/sentencepiece-bpe.js';
import { GOLDEN_CASES, GOLDENS, readExpectations, toTurn } from './golden-case.js';

const sizeOf = (name: string): ImageSize => {
  const [widthPx = 0, heightPx = 0] = name.split('x').map(Number);
  return { widthPx, heightPx };
};

describe.each(GOLDEN_CASES)('the token tools of the golden case %s', (name) => {
  const folder = path.join(GOLDENS, name, 'checkpoint');
  const { tokenize, runs } = readExpectations(name);
  const vocabulary = openCheckpointVocabulary(folder);
  let description: ModelDescription;
  beforeAll(async () => {
    const checkpoint = await describeCheckpoint(folder);
    ({ description } = checkpoint);
    await checkpoint.close();
  });
  const answererOf = (template: TemplateName): QuestionAnswerer => {
    const options = { description, tokenizer: vocabulary, contextTokens: 4096, modelConfig: null };
    return new QuestionAnswerer({ ...options, template: namedTemplate(template, false) });
  };
  const spellings = (ids: readonly number[]) => ids.map((id) => vocabulary.spelling(id));
  /** Typed spellings of special tokens are text here and tokens to the reference. */
  const plain = tokenize.filter(({ text }) => !/<s>|<\/s>|<unk>|<image>|<im_/u.test(text));

  it('spell the tokens of every plain text as tokenizer.model does', async () => {
    expect(plain.length).toBeGreaterThan(20);
    const answerer = answererOf('vicuna_v1');
    for (const { text, ids } of plain) {
      const prompts = [{ kind: 'raw' as const, parts: [{ kind: 'text' as const, text }] }];
      const answer = await answerer.answer({
        kind: 'tokenize',
        prompts,
        images: [],
        skipsSpecialTokens: false,
      });
      expect(answer, JSON.stringify(text)).toEqual({ kind: 'tokenize', tokens: spellings(ids) });
    }
  });

  it('put tokens together as the reference decodes them, by id and by spelling', async () => {
    const answerer = answererOf('vicuna_v1');
    for (const { ids: all, decoded } of tokenize) {
      const ids = all.filter((id) => id >= 0).map(toTokenId);
      for (const tokens of [ids, spellings(ids)]) {
        const answer = await answerer.answer({ kind: 'detokenize', tokens, skipsSpecialTokens: true });
        expect(answer, JSON.stringify(tokens)).toEqual({ kind: 'detokenize', text: decoded });
      }
    }
  });

  it('count as many tokens for each conversation as the reference', async () => {
    const asked = runs.flatMap((run) => (run.conversation ? [{ ...run, ...run.conversation }] : []));
    expect(asked.length).toBeGreaterThan(10);
    for (const { id, template, turns, images, promptTokens } of asked) {
      const spoken = turns.flatMap(([role, text]) =>
        text === null ? [] : [toTurn(role === 'user' ? 'user' : 'assistant', text)],
      );
      const answer = await answererOf(template as TemplateName).answer({
        kind: 'count',
        prompts: [{ kind: 'conversation', system: null, turns: spoken }],
        images: images.map(sizeOf),
        promptMaxTokens: null,
        imageTokenBudget: null,
      });
      expect(answer, id).toMatchObject({ counts: [{ promptTokens }] });
    }
  });
});

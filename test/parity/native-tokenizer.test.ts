// llama.cpp's vocabulary against the oracle on random text: equal ids, equal bytes back, and never a special token.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpointVocabulary } from '../oracles/sentencepiece-bpe.js';
import { Random } from '../../harness/random.js';
import { loadExact, type ConvertedModel } from './golden-case.js';
import { toTokenId } from '../../server/src/reader/ids.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FRAGMENTS = [
  ...Array.from('abcdetswo ,.:\n\t▁é日🦙ß\u0000\u200D\u00A0'),
  ' ',
  '  ',
  ' the',
  'USER:',
  'image',
  '12345',
  '<s>',
  '</s>',
  '<unk>',
  '<image>',
  '<|im_start|>',
  '<|im_end|>',
  '[PAD]',
  '<0x41>',
];

describe.each(['models/demo/checkpoint', 'test/goldens/square-linear-224/checkpoint'])(
  'the vocabulary of %s',
  (folder) => {
    const oracle = openCheckpointVocabulary(`${ROOT}${folder}`);
    let model: ConvertedModel;
    beforeAll(async () => {
      model = await loadExact(`${ROOT}${folder}`);
    }, 60_000);
    afterAll(() => model.close());

    it('encodes 1,500 random texts as the oracle does, and decodes them back', () => {
      const random = new Random(20);
      const controlIds = oracle.settings.addedTokens.map(({ id }) => id);
      for (let round = 0; round < 1500; round += 1) {
        const text = Array.from({ length: random.below(24) }, () => random.pick(FRAGMENTS)).join('');
        const ids = model.tokenizer.encodePlain(text);
        expect(ids, JSON.stringify(text)).toEqual(oracle.encodePlain(text));
        expect(ids.filter((id) => controlIds.includes(id))).toEqual([]);
        const bytes = ids.flatMap((id) => [...model.tokenizer.pieceBytes(id)]);
        expect(new TextDecoder().decode(Uint8Array.from(bytes))).toBe(text.replaceAll('▁', ' '));
      }
    });

    it('has the same bytes for every token as the oracle', () => {
      for (const id of Array.from({ length: oracle.settings.tokenCount }, (_, token) => toTokenId(token))) {
        expect([...model.tokenizer.pieceBytes(id)], `token ${id}`).toEqual([...oracle.pieceBytes(id)]);
      }
    });

    it('spells every token as the oracle does', () => {
      for (const id of Array.from({ length: oracle.settings.tokenCount }, (_, token) => toTokenId(token)))
        expect(model.tokenizer.spelling(id), `token ${id}`).toBe(oracle.spelling(id));
    });

    it('has the settings and added tokens that the oracle reads', () => {
      const { legacy, addBos, addSpacePrefix, bosId, tokenCount } = oracle.settings;
      expect(model.tokenizer.settings).toMatchObject({ legacy, addBos, addSpacePrefix, bosId, tokenCount });
      const spellings = (tokens: typeof oracle.settings.addedTokens) =>
        tokens.map(({ id, content, special }) => [id, content, special]);
      expect(spellings(model.tokenizer.settings.addedTokens)).toEqual(spellings(oracle.settings.addedTokens));
    });
  },
);

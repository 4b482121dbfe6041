// A SentencePiece model that removes extra white space, against ids and texts of SentencePiece itself, and against the oracle on
// random texts with tokens between them.
import { cpSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TokenizerSettings } from '../../server/src/model/description.js';
import { toTokenId } from '../../server/src/reader/ids.js';
import { encodePrompt } from '../../server/src/reader/prompt/encode.js';
import { OutputText } from '../../server/src/reader/prompt/output-text.js';
import { specialPiece, textPiece, type PromptPiece } from '../../server/src/reader/prompt/pieces.js';
import type { Tokenizer } from '../../server/src/reader/prompt/tokenizer.js';
import { Random } from '../../harness/random.js';
import { SentencePieceBpe } from '../oracles/sentencepiece-bpe.js';
import { normalise, normaliseInside } from '../oracles/sentencepiece-normaliser.js';
import { GOLDENS, loadExact, type ConvertedModel } from './golden-case.js';

const FOLDER = path.join(GOLDENS, 'extra-whitespace');
const MODEL_FILE = path.join(FOLDER, 'tokenizer.model');
interface Example {
  readonly text: string;
  readonly ids: readonly number[];
}
const golden = JSON.parse(readFileSync(path.join(FOLDER, 'expected.json'), 'utf8')) as {
  readonly encode: readonly Example[];
  readonly decode: readonly Example[];
};

const END = { id: 2, content: '</s>', special: true, lstrip: false, rstrip: false };
const openVocabulary = (over: Partial<TokenizerSettings> = {}) =>
  new SentencePieceBpe(MODEL_FILE, (tokenCount) => ({
    kind: 'sentencepiece',
    legacy: true,
    addBos: true,
    addSpacePrefix: true,
    removesExtraWhitespace: true,
    bosId: 1,
    eosIds: [2],
    tokenCount,
    addedTokens: [{ ...END, id: 0, content: '<unk>' }, { ...END, id: 1, content: '<s>' }, END],
    spellings: null,
    ...over,
  }));

const idsOf = (pieces: readonly PromptPiece[], tokenizer: Tokenizer) =>
  encodePrompt(pieces, tokenizer).items.map((item) => (item.kind === 'token' ? item.id : -1));
const print = (ids: readonly number[], tokenizer: Tokenizer): string => {
  const output = new OutputText(tokenizer, []);
  return ids.map((id) => output.push(toTokenId(id)).text).join('') + output.finish().text;
};

describe('a vocabulary that removes extra white space', () => {
  it.each([true, false])('encodes texts as SentencePiece does, legacy %s', (legacy) => {
    const tokenizer = openVocabulary({ legacy });
    expect(golden.encode).toHaveLength(200);
    for (const { text, ids } of golden.encode)
      expect(idsOf([textPiece(text)], tokenizer), JSON.stringify(text)).toEqual(ids);
  });

  it('decodes ids as SentencePiece does', () => {
    expect(golden.decode).toHaveLength(60);
    for (const { text, ids } of golden.decode) expect(print(ids, openVocabulary()), ids.join()).toBe(text);
  });

  const FRAGMENTS = [...Array.from('abcts ▁\n\té'), ' ', '  ', ' the', '</s>'];
  it.each([true, false])('encodes random texts between tokens as the oracle does, legacy %s', (legacy) => {
    const tokenizer = openVocabulary({ legacy, addBos: false });
    const random = new Random(7);
    const plain = (text: string) => (text === '' ? [] : tokenizer.encodePlain(text));
    for (let round = 0; round < 2000; round += 1) {
      const texts = Array.from({ length: 1 + random.below(3) }, () =>
        Array.from({ length: random.below(9) }, () => random.pick(FRAGMENTS)).join(''),
      );
      const pieces = texts.flatMap((text, index) =>
        index === 0 ? [textPiece(text)] : [specialPiece(END.content), textPiece(text)],
      );
      const expected = texts.flatMap((text, index) => {
        if (index === 0) return plain(normalise(text, true));
        return [END.id, ...plain(legacy ? normalise(text, true) : normaliseInside(text))];
      });
      expect(idsOf(pieces, tokenizer), JSON.stringify(texts)).toEqual(expected);
    }
  });
});

describe('a converted checkpoint whose tokenizer removes extra white space', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-whitespace-'));
  let model: ConvertedModel;
  beforeAll(async () => {
    cpSync(fileURLToPath(new URL('../../models/demo/checkpoint', import.meta.url)), folder, {
      recursive: true,
    });
    copyFileSync(MODEL_FILE, path.join(folder, 'tokenizer.model'));
    model = await loadExact(folder);
  }, 60_000);
  afterAll(async () => {
    await model.close();
    rmSync(folder, { recursive: true });
  });

  it('gives the ids of SentencePiece', () => {
    for (const { text, ids } of golden.encode)
      expect(idsOf([textPiece(text)], model.tokenizer), JSON.stringify(text)).toEqual(ids);
  });

  it('gives the texts of SentencePiece', () => {
    for (const { text, ids } of golden.decode) expect(print(ids, model.tokenizer), ids.join()).toBe(text);
  });
});

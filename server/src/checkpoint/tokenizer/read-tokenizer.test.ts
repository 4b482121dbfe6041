import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sentencePieceBytes, testPieces, type TestPiece } from '../fixtures/sentencepiece-writer.fixture.js';
import { readTokenizer, type TokenizerRequest } from './read-tokenizer.js';

describe('readTokenizer', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'takeoff-tokenizer-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const read = (
    files: Record<string, unknown>,
    request: Partial<TokenizerRequest> = {},
    pieces: TestPiece[] | Uint8Array = testPieces(6),
  ) => {
    const model = pieces instanceof Uint8Array ? pieces : sentencePieceBytes(pieces);
    writeFileSync(join(folder, 'tokenizer.model'), model);
    for (const [name, value] of Object.entries(files))
      writeFileSync(join(folder, name), JSON.stringify(value));
    return readTokenizer({
      folder,
      fileNames: readdirSync(folder),
      rows: 10,
      bosId: 1,
      eosIds: [2],
      reservesPatchToken: false,
      wrapsImageInStartEnd: false,
      ...request,
    });
  };
  const contents = (tokens: readonly { id: number; content: string; special: boolean }[]) =>
    tokens.map(({ id, content, special }) => `${id} ${content}${special ? ' special' : ''}`);

  it("takes Llama's defaults where no file says anything", async () => {
    const { settings, primaryEosId, vocabulary } = await read({});
    expect(settings).toMatchObject({
      kind: 'sentencepiece',
      legacy: true,
      addBos: true,
      addSpacePrefix: true,
      bosId: 1,
      eosIds: [2],
      tokenCount: 6,
    });
    expect(contents(settings.addedTokens)).toEqual(['0 <unk> special', '1 <s> special', '2 </s> special']);
    expect(primaryEosId).toBe(2);
    expect(vocabulary.types).toEqual([2, 3, 3, 1, 1, 1, 5, 5, 5, 5]);
    expect(vocabulary.tokens.slice(5)).toEqual(['▁p5', '[PAD6]', '[PAD7]', '[PAD8]', '[PAD9]']);
  });

  it("takes over whether SentencePiece removes extra white space, the trainer's default", async () => {
    expect((await read({})).settings.removesExtraWhitespace).toBe(false);
    const bytes = sentencePieceBytes(testPieces(6), 2, true);
    expect((await read({}, {}, bytes)).settings.removesExtraWhitespace).toBe(true);
  });

  it('takes added_tokens.json for plain tokens unless another file calls them special', async () => {
    const { settings, vocabulary } = await read({
      'added_tokens.json': { '[PAD]': 6, '<|im_start|>': 7, '<unk>': 0 },
      'special_tokens_map.json': { pad_token: '[PAD]', additional_special_tokens: [] },
    });
    expect(contents(settings.addedTokens)).toEqual([
      '0 <unk> special',
      '1 <s> special',
      '2 </s> special',
      '6 [PAD] special',
      '7 <|im_start|>',
    ]);
    expect(settings.tokenCount).toBe(8);
    // Control tokens, both: no text of a user may spell them.
    expect(vocabulary.types.slice(6)).toEqual([3, 3, 5, 5]);
  });

  it('takes flags from added_tokens_decoder', async () => {
    const { settings } = await read({
      'tokenizer_config.json': {
        legacy: false,
        add_bos_token: false,
        eos_token: { content: '<|im_end|>', lstrip: false },
        added_tokens_decoder: {
          '2': { content: '</s>', special: true },
          '6': { content: '<|im_end|>', special: false, rstrip: true, lstrip: false },
        },
      },
    });
    expect(settings).toMatchObject({ legacy: false, addBos: false, eosIds: [2, 6] });
    expect(settings.addedTokens.at(-1)).toEqual({
      id: 6,
      content: '<|im_end|>',
      special: true,
      lstrip: false,
      rstrip: true,
    });
  });

  it('ends on every id that any file names, and names the first of them in GGUF', async () => {
    const { settings, primaryEosId } = await read(
      { 'generation_config.json': { eos_token_id: [5, 2] }, 'tokenizer_config.json': { eos_token: '▁p4' } },
      { eosIds: [3, 99] },
    );
    expect([settings.eosIds, primaryEosId]).toEqual([[2, 3, 4, 5], 5]);
  });

  it('ends answers of Phi-3 with <|end|>, which only its spelling names', async () => {
    const decoder = (tokens: Record<number, string>) =>
      Object.fromEntries(
        Object.entries(tokens).map(([id, content]) => [
          id,
          { content, special: true, rstrip: true, lstrip: false },
        ]),
      );
    const phi3 = { 6: '<|endoftext|>', 7: '<|assistant|>', 8: '<|end|>', 9: '<|user|>' };
    const config = { eos_token: '<|endoftext|>', added_tokens_decoder: decoder(phi3) };
    const { settings } = await read({ 'tokenizer_config.json': config }, { eosIds: [6] });
    expect(settings.eosIds).toEqual([6, 8]);
    const { 6: end, 7: assistant, 8: turnEnd } = phi3;
    const other = await read(
      {
        'tokenizer_config.json': {
          ...config,
          added_tokens_decoder: decoder({ 6: end, 7: assistant, 8: turnEnd }),
        },
      },
      { eosIds: [6] },
    );
    expect(other.settings.eosIds).toEqual([6]);
  });

  it('adds the tokens that LLaVA adds when it loads, in its order, where rows are left', async () => {
    const startEnd = await read({}, { wrapsImageInStartEnd: true });
    expect(contents(startEnd.settings.addedTokens).slice(3)).toEqual([
      '6 <im_start> special',
      '7 <im_end> special',
    ]);
    const all = await read({}, { reservesPatchToken: true, wrapsImageInStartEnd: true });
    expect(contents(all.settings.addedTokens).slice(3)).toEqual([
      '6 <im_patch> special',
      '7 <im_start> special',
      '8 <im_end> special',
    ]);
    const there = await read(
      { 'added_tokens.json': { '<im_start>': 8, '<im_end>': 9 } },
      { wrapsImageInStartEnd: true },
    );
    expect(there.settings.tokenCount).toBe(10);
    const noRoom = await read({ 'added_tokens.json': {} }, { rows: 6, reservesPatchToken: true });
    expect(noRoom.settings.tokenCount).toBe(6);
    await expect(read({}, { rows: 7, wrapsImageInStartEnd: true })).rejects.toThrow('mm_use_im_start_end');
  });

  it('drops added tokens that have no row', async () => {
    const { settings } = await read({ 'added_tokens.json': { a: 6, b: 10, c: 4_000_000 } });
    expect(contents(settings.addedTokens).slice(3)).toEqual(['6 a']);
  });

  it('keeps every spelling unique, which llama.cpp insists on', async () => {
    const { vocabulary, settings } = await read({ 'added_tokens.json': { '▁p4': 6, x: 7 } }, {}, [
      ...testPieces(5),
      { text: '[PAD8]' },
    ]);
    expect(new Set(vocabulary.tokens).size).toBe(10);
    expect(vocabulary.tokens.slice(5)).toEqual(['[PAD8]', '[PAD6]', 'x', '[[PAD8]]', '[PAD9]']);
    expect(settings.tokenCount).toBe(8);
  });

  it('refuses more pieces than rows, pieces that occur twice, and folders without a tokenizer', async () => {
    await expect(read({}, { rows: 5 })).rejects.toThrow('6 pieces, the embedding only 5 rows');
    await expect(read({}, {}, [...testPieces(4), { text: '▁p3' }])).rejects.toThrow('A piece occurs twice');
    await expect(read({}, { fileNames: [] })).rejects.toThrow('no tokenizer');
  });

  it('stores user-defined markers so that no text of a user spells them, and leaves other such pieces text', async () => {
    const spellings = ['<|im_start|>', '<end_of_turn>', '[NAMED]', '▁▁▁▁', '<table>'];
    const { vocabulary } = await read({ 'tokenizer_config.json': { pad_token: '[NAMED]' } }, {}, [
      ...testPieces(3),
      ...spellings.map((text) => ({ text, type: 4 })),
    ]);
    expect(vocabulary.tokens.slice(3, 8)).toEqual(spellings);
    expect(vocabulary.types.slice(3, 8)).toEqual([3, 3, 3, 4, 4]);
  });

  it('matches markers among the user-defined pieces, and prints them', async () => {
    const { settings } = await read({}, {}, [
      ...testPieces(4),
      { text: '<|im_start|>', type: 4 },
      { text: 'abc', type: 4 },
    ]);
    expect(contents(settings.addedTokens).slice(3)).toEqual(['4 <|im_start|>']);
  });

  it('says which file is damaged and where', async () => {
    await expect(read({ 'tokenizer_config.json': { legacy: 'yes' } })).rejects.toThrow(
      'tokenizer_config.json: legacy',
    );
    await expect(read({ 'tokenizer_config.json': {}, 'added_tokens.json': { a: 'six' } })).rejects.toThrow(
      'added_tokens.json: a',
    );
  });

  it('passes over names that name no token, and says so with file, key and line', async () => {
    const { settings, warnings } = await read({
      'tokenizer_config.json': { bos_token: '', eos_token: { content: '' }, unk_token: -1 },
      'special_tokens_map.json': { eos_token: '' },
      'generation_config.json': { eos_token_id: [-1, 2] },
    });
    expect(settings).toMatchObject({ bosId: 1, eosIds: [2] });
    expect(warnings).toEqual([
      'tokenizer_config.json: bos_token (line 1) is empty; it names no token.',
      'tokenizer_config.json: eos_token (line 1) is empty; it names no token.',
      'tokenizer_config.json: unk_token (line 1) is -1, which is no spelling; it names no token.',
      'special_tokens_map.json: eos_token (line 1) is empty; it names no token.',
      'generation_config.json: eos_token_id (line 1) is -1, which names no token; it is passed over.',
    ]);
  });

  it('ends on every token of a list of end tokens', async () => {
    const { settings, warnings } = await read(
      { 'tokenizer_config.json': { eos_token: ['▁p4', { content: '▁p5' }, ''] } },
      { eosIds: [-1] },
    );
    expect(settings.eosIds).toEqual([4, 5]);
    expect(warnings.join()).toContain('eos_token (line 1) is a list of 3');
  });

  it('drops added tokens without a spelling or a row of their own', async () => {
    const { settings } = await read({
      'added_tokens.json': { '': 6, a: -1 },
      'tokenizer_config.json': { added_tokens_decoder: { '7': { content: '' } } },
    });
    expect(settings.addedTokens).toHaveLength(3);
  });

  it.each(['', '{', '[]', '{"eos_token_id": "2"}', 'null'])(
    'goes by config.json where generation_config.json is %j',
    async (text) => {
      writeFileSync(join(folder, 'generation_config.json'), text);
      const { settings, warnings } = await read({}, { eosIds: [4] });
      expect(settings.eosIds).toEqual([2, 4]);
      expect(warnings).toEqual([
        expect.stringMatching(
          /^generation_config\.json: .+ The end tokens of config\.json count instead\.$/u,
        ),
      ]);
    },
  );

  it('follows no link to a generation_config.json outside the folder', async () => {
    symlinkSync('/etc/hostname', join(folder, 'generation_config.json'));
    await expect(read({})).rejects.toThrow('leads out of the folder');
  });
});

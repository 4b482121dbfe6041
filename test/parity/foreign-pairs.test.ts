// GGUF pairs of other writers in the native library: what was concluded of them must reach llama.cpp. A golden is converted, and its
// files are rewritten with another vocabulary, as converters of their time wrote them.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertCheckpoint } from '../../server/src/checkpoint/convert/convert-checkpoint.js';
import {
  rewriteGguf,
  withoutOurs,
  type Change,
} from '../../server/src/checkpoint/fixtures/rewritten-pair.fixture.js';
import { i32s, text, texts, u32 } from '../../server/src/checkpoint/gguf/value.js';
import { openGgufPair } from '../../server/src/checkpoint/pair/open-pair.js';
import { describeCheckpoint } from '../../server/src/checkpoint/source/describe-checkpoint.js';
import { createTensorCodec } from '../../server/src/native/tensor-codec.js';
import { loadPair, type LoadedPair } from '../../server/src/reader/load/load-pair.js';
import { GOLDENS, nativeRuntime } from './golden-case.js';

const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-foreign-'));
const runtime = nativeRuntime();
let modelPath: string;

beforeAll(async () => {
  const checkpoint = await describeCheckpoint(path.join(GOLDENS, 'v16-llama-anyres', 'checkpoint'));
  const options = { checkpoint, outDir: folder, textType: 'f32', towerType: 'f32' } as const;
  ({ modelPath } = await convertCheckpoint({ ...options, codec: createTensorCodec(runtime) }));
  await checkpoint.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function withModel<T>(change: Change, use: (model: LoadedPair) => T): Promise<T> {
  const pair = await openGgufPair(
    await rewriteGguf(modelPath, path.join(folder, 'foreign.gguf'), change),
    null,
  );
  try {
    const options = {
      maxSequenceLength: 0,
      maxSequences: 1,
      pageCacheSize: null,
      threads: null,
      isExact: true,
    };
    const model = await loadPair(runtime, pair, options);
    try {
      return use(model);
    } finally {
      model.engine.close();
    }
  } finally {
    await pair.close();
  }
}

/** Byte-level BPE with three merges that can be made only where text is cut as Llama 3 does, and the special tokens of Llama 3. */
const llama3 =
  (pre: string | null): Change =>
  (file) => {
    withoutOurs(file);
    const merged = ['Ġ(', ':Ċ', "'s"];
    const special = [
      '<|begin_of_text|>',
      '<|end_of_text|>',
      '<|start_header_id|>',
      '<|end_header_id|>',
      '<|eot_id|>',
    ];
    const plain = [...byteTokens(), ...merged];
    const spare = Array.from(
      { length: 1000 - plain.length - special.length },
      (_, id) => `<|reserved_${id}|>`,
    );
    const { metadata } = file;
    for (const key of [
      'scores',
      'pre',
      'unknown_token_id',
      'padding_token_id',
      'add_bos_token',
      'add_space_prefix',
    ])
      metadata.delete(`tokenizer.ggml.${key}`);
    metadata.set('tokenizer.ggml.model', text('gpt2'));
    metadata.set('tokenizer.ggml.tokens', texts([...plain, ...special, ...spare]));
    metadata.set(
      'tokenizer.ggml.token_type',
      i32s([...plain.map(() => 1), ...special.map(() => 3), ...spare.map(() => 3)]),
    );
    metadata.set('tokenizer.ggml.merges', texts(['Ġ (', ': Ċ', "' s"]));
    metadata.set('tokenizer.ggml.bos_token_id', u32(plain.length));
    metadata.set('tokenizer.ggml.eos_token_id', u32(plain.length + 1));
    if (pre !== null) metadata.set('tokenizer.ggml.pre', text(pre));
  };

/** GPT-2's letters for the 256 bytes: printable ones stand for themselves, the others for characters from U+0100 on. */
function byteTokens(): string[] {
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
    return String.fromCodePoint(isPrintable ? byte : next++);
  });
}

describe('a Llama 3 pair', () => {
  const TEXT = "it's (a):\nb";
  const count = (pre: string | null) =>
    withModel(llama3(pre), ({ tokenizer }) => tokenizer.encodePlain(TEXT));

  it('without tokenizer.ggml.pre encodes text as one that has it', async () => {
    const wanted = await count('llama-bpe');
    expect(wanted).toHaveLength(8);
    expect(await count(null)).toEqual(wanted);
    expect(await count('smaug-bpe')).toEqual(wanted);
  });

  it('ends answers with the token that ends a turn, though only its spelling says so', async () => {
    const ends = await withModel(llama3('llama-bpe'), ({ description }) => description.tokenizer.eosIds);
    expect(ends).toEqual([260, 263]);
  });
});

// One GGUF file fed to llama.cpp as token ids, as its own tools do, and as embedding rows, as this program does: the logits are equal
// bit for bit, for every storage type. So a converted model is the model that llama.cpp's own tools would run.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { afterAll, expect, it } from 'vitest';
import { convertCheckpoint } from '../../server/src/checkpoint/convert/convert-checkpoint.js';
import { openGgufPair } from '../../server/src/checkpoint/pair/open-pair.js';
import { describeCheckpoint } from '../../server/src/checkpoint/source/describe-checkpoint.js';
import { TEXT_QUANTS, type TextQuant } from '../../server/src/model/quantisation.js';
import { createTensorCodec } from '../../server/src/native/tensor-codec.js';
import { loadPair, type LoadedPair } from '../../server/src/reader/load/load-pair.js';
import { nativeRuntime } from '../parity/golden-case.js';

const DEMO = fileURLToPath(new URL('../../models/demo/checkpoint', import.meta.url));
const TOKENS = [1, 592, 947, 497, 262, 289, 438, 549, 946, 13, 968, 608, 614, 947];
const runtime = nativeRuntime();
const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-stock-'));
afterAll(() => rmSync(folder, { recursive: true }));

it.each(TEXT_QUANTS)(
  'llama.cpp gives the same logits for token ids and for embedding rows of a model in %s',
  async (quant) => {
    const loaded = await load(quant);
    try {
      const fromRows = await byRows(loaded);
      const fromIds = byTokens(loaded);
      expect(fromRows.some((value) => value !== 0)).toBe(true);
      expect(Buffer.compare(Buffer.from(fromRows.buffer), Buffer.from(fromIds.buffer))).toBe(0);
    } finally {
      loaded.encoder?.close();
      loaded.engine.close();
    }
  },
);

async function load(quant: TextQuant): Promise<LoadedPair> {
  const checkpoint = await describeCheckpoint(DEMO);
  const paths = await convertCheckpoint({
    checkpoint,
    outDir: folder,
    textType: quant,
    towerType: 'f16',
    codec: createTensorCodec(runtime),
  });
  await checkpoint.close();
  const pair = await openGgufPair(paths.modelPath, paths.projectorPath);
  try {
    return await loadPair(runtime, pair, {
      maxSequenceLength: 0,
      maxSequences: 1,
      pageCacheSize: null,
      threads: 1,
      isExact: false,
    });
  } finally {
    await pair.close();
  }
}

async function byRows({ decoder, embeddings }: LoadedPair): Promise<Float32Array> {
  decoder.begin();
  TOKENS.forEach((token, position) =>
    embeddings.read(token, decoder.addRow(0, position, position === TOKENS.length - 1)),
  );
  expect(await decoder.decode()).toEqual({ kind: 'done', sampled: [] });
  const logits = decoder.logits(TOKENS.length - 1).slice();
  decoder.forget(0);
  return logits;
}

/** Logits of a llama.cpp context that is made and fed with ids as llama.cpp's own programs do it. */
function byTokens({ model }: LoadedPair): Float32Array {
  const { llama, threadpool } = runtime;
  const params = llama.contextDefaults();
  Object.assign(params, {
    n_ctx: 2048,
    n_batch: 512,
    n_ubatch: 512,
    n_threads: 1,
    n_threads_batch: 1,
    kv_unified: true,
  });
  const context = llama.contextNew(model.pointer, params);
  if (context === null) throw new TypeError('no context');
  llama.attachThreadpool(context, threadpool, threadpool);
  const count = TOKENS.length;
  const integers = koffi.alloc('int32_t', count * 4) as bigint;
  const pointers = koffi.alloc('uint64_t', count) as bigint;
  const flags = koffi.alloc('int8_t', count) as bigint;
  const ints = new Int32Array(koffi.view(integers, count * 16));
  TOKENS.forEach((token, i) => ints.set([token], i));
  TOKENS.forEach((_, i) => ints.set([i], count + i));
  ints.fill(1, 2 * count, 3 * count);
  ints.fill(0, 3 * count);
  new BigUint64Array(koffi.view(pointers, count * 8)).forEach(
    (_, i, all) => (all[i] = integers + BigInt((3 * count + i) * 4)),
  );
  new Int8Array(koffi.view(flags, count)).fill(0).fill(1, count - 1);
  const code = llama.decode(context, {
    n_tokens: count,
    token: integers,
    embd: null,
    pos: integers + BigInt(count * 4),
    n_seq_id: integers + BigInt(count * 8),
    seq_id: pointers,
    logits: flags,
  });
  expect(code).toBe(0);
  const row = llama.logits(context, count - 1);
  if (row === null) throw new TypeError('no logits');
  const logits = new Float32Array(koffi.view(row, model.vocabularySize * 4)).slice();
  llama.contextFree(context);
  for (const pointer of [integers, pointers, flags]) koffi.free(pointer);
  return logits;
}

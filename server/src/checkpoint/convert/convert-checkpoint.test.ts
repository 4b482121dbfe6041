import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TensorCodec } from '../../model/tensor-types.js';
import { floatCodec, toFloats } from '../fixtures/float-codec.fixture.js';
import {
  tinyCheckpoint,
  type TinyCheckpoint,
  type TinyOptions,
} from '../fixtures/tiny-checkpoint.fixture.js';
import { openGgufPair, type GgufPair } from '../pair/open-pair.js';
import { describeCheckpoint } from '../source/describe-checkpoint.js';
import { convertCheckpoint, type ConvertOptions, type ConvertProgress } from './convert-checkpoint.js';
import { fileBytesOf, planPair } from './plan-pair.js';

let outDir: string;
const made: TinyCheckpoint[] = [];
beforeEach(() => {
  outDir = mkdtempSync(join(tmpdir(), 'takeoff-convert-'));
});
afterEach(() => {
  rmSync(outDir, { recursive: true });
  for (const checkpoint of made.splice(0)) checkpoint.remove();
});

async function convert(options: TinyOptions = {}, over: Partial<ConvertOptions> = {}) {
  const tiny = tinyCheckpoint(options);
  made.push(tiny);
  const checkpoint = await describeCheckpoint(tiny.folder);
  try {
    const textType = 'f32' as const;
    const paths = await convertCheckpoint({
      checkpoint,
      outDir,
      textType,
      towerType: 'auto',
      codec: floatCodec,
      ...over,
    });
    return { ...paths, tiny };
  } finally {
    await checkpoint.close();
  }
}

async function withPair<T>(
  paths: { modelPath: string; projectorPath: string },
  look: (pair: GgufPair) => Promise<T>,
) {
  const pair = await openGgufPair(paths.modelPath, paths.projectorPath);
  try {
    return await look(pair);
  } finally {
    await pair.close();
  }
}

describe('convertCheckpoint', () => {
  it('carries every weight over exactly, query and key rows interleaved', async () => {
    const { tiny, ...paths } = await convert({
      newline: true,
      config: { mm_patch_merge_type: 'spatial_unpad' },
    });
    const source = new Map(tiny.tensors.map((tensor) => [tensor.name, tensor.values]));
    await withPair(paths, async ({ model, projector }) => {
      const text = async (name: string) => toFloats(await model.read(model.tensors.get(name)!), 'F32');
      const vision = async (name: string) =>
        toFloats(await projector!.file.read(projector!.vision.tensors.get(name)!), 'F32');
      expect(await text('token_embd.weight')).toEqual(source.get('model.embed_tokens.weight'));
      expect(await text('output.weight')).toEqual(source.get('lm_head.weight'));
      expect(await text('blk.1.ffn_down.weight')).toEqual(source.get('model.layers.1.mlp.down_proj.weight'));
      expect(await text('blk.0.attn_norm.weight')).toEqual(
        source.get('model.layers.0.input_layernorm.weight'),
      );
      expect(await text('blk.0.ffn_norm.weight')).toEqual(
        source.get('model.layers.0.post_attention_layernorm.weight'),
      );
      expect(await vision('v.blk.1.ffn_up.weight')).toEqual(
        source.get('tower.encoder.layers.1.mlp.fc1.weight'),
      );
      expect(await vision('v.blk.1.ffn_down.bias')).toEqual(
        source.get('tower.encoder.layers.1.mlp.fc2.bias'),
      );
      expect(await vision('v.patch_embd.weight')).toEqual(
        source.get('tower.embeddings.patch_embedding.weight'),
      );
      expect(await vision('mm.2.weight')).toEqual(source.get('projector.2.weight'));
      expect(await vision('v.image_newline')).toEqual(source.get('newline'));
      // Two KV heads of four rows of 16: rows 0 2 1 3 of each.
      const keys = source.get('model.layers.0.self_attn.k_proj.weight')!;
      const rows = [0, 2, 1, 3, 4, 6, 5, 7].map((row) => keys.slice(row * 16, row * 16 + 16));
      expect(await text('blk.0.attn_k.weight')).toEqual(
        Float32Array.from(rows.flatMap((row) => Array.from(row))),
      );
    });
  });

  it('writes byte-identical pairs whatever the layout of the source, its shards or its file format', async () => {
    const bytes = async (options: TinyOptions) => {
      const { modelPath, projectorPath } = await convert(options);
      return [readFileSync(modelPath), readFileSync(projectorPath)];
    };
    const wanted = await bytes({});
    expect(await bytes({ format: 'torch' })).toEqual(wanted);
    expect(await bytes({ tower: 'clip-folder' })).toEqual(wanted);
    expect(await bytes({ tower: 'clip-folder-flat', format: 'torch' })).toEqual(wanted);
    expect(await bytes({ layout: 'hub4' })).toEqual(await bytes({ layout: 'hub5', format: 'torch' }));
  });

  it('stores only the tower layers that run, and says how many', async () => {
    const { tiny, ...paths } = await convert({ config: { mm_vision_select_layer: 1 } });
    expect(tiny.tensors.some(({ name }) => name.includes('encoder.layers.2.'))).toBe(true);
    await withPair(paths, ({ projector }) => {
      const names = [...projector!.file.tensors.keys()];
      expect(names.filter((name) => name.startsWith('v.blk.1.') || name.includes('post'))).toEqual([]);
      expect(projector!.file.numbers('clip.vision.feature_layer')).toEqual([1]);
      expect(projector!.vision.layersToRun).toBe(1);
      return Promise.resolve();
    });
  });

  it('says everything in standard keys that standard keys can say', async () => {
    const { tiny, ...paths } = await convert({ rows: 10 });
    await withPair(paths, ({ model, projector, description }) => {
      expect(
        Object.fromEntries(
          [...model.metadata]
            .filter(([key]) => key.startsWith('llama.'))
            .map(([key, { value }]) => [key, value]),
        ),
      ).toEqual({
        'llama.block_count': 2,
        'llama.context_length': 64,
        'llama.embedding_length': 16,
        'llama.feed_forward_length': 24,
        'llama.attention.head_count': 4,
        'llama.attention.head_count_kv': 2,
        'llama.attention.layer_norm_rms_epsilon': Math.fround(1e-5),
        'llama.rope.freq_base': 10000,
        'llama.rope.dimension_count': 4,
        'llama.vocab_size': 10,
      });
      expect(model.strings('tokenizer.ggml.tokens')?.slice(-2)).toEqual(['[PAD8]', '[PAD9]']);
      expect(model.boolean('tokenizer.ggml.add_space_prefix')).toBe(true);
      expect(model.number('general.quantization_version')).toBeUndefined();
      expect(projector!.file.string('clip.projector_type')).toBe('mlp');
      expect(projector!.file.string('clip.vision.mm_patch_merge_type')).toBe('flat');
      expect(description.contextTokens).toBe(64);
      return Promise.resolve();
    });
    expect(tiny.folder).not.toBe(outDir);
  });

  it.each([
    [1, { mm_projector_type: 'linear' }, 'linear'],
    [3, { mm_projector_type: 'mlp3x_gelu' }, 'mlp3x_gelu'],
  ])('carries a projector of %i layers', async (projectorLayers, config, name) => {
    const paths = await convert({ projectorLayers, config });
    await withPair(paths, ({ projector }) => {
      expect(projector!.vision.projectorLayers).toBe(projectorLayers);
      expect(projector!.file.string('takeoff.projector_type')).toBe(name);
      return Promise.resolve();
    });
  });

  it('chooses exact types for small models and says the file type', async () => {
    const types = async (type: 'F16' | 'BF16' | 'F32') => {
      const paths = await convert({ type }, { textType: 'auto' });
      return withPair(paths, ({ model, projector }) =>
        Promise.resolve([
          model.tensors.get('output.weight')?.type,
          projector!.vision.tensors.get('mm.0.weight')?.type,
          projector!.vision.tensors.get('v.blk.0.ln1.weight')?.type,
          model.number('general.file_type'),
        ]),
      );
    };
    expect(await types('F16')).toEqual(['F16', 'F16', 'F32', 1]);
    expect(await types('BF16')).toEqual(['F16', 'F32', 'F32', 1]);
    expect(await types('F32')).toEqual(['F16', 'F32', 'F32', 1]);
  });

  it('knows the size of the files in advance', async () => {
    const { tiny, ...paths } = await convert({}, { textType: 'f16', towerType: 'bf16' });
    const checkpoint = await describeCheckpoint(tiny.folder);
    const plan = planPair(checkpoint, 'f16', 'bf16');
    await checkpoint.close();
    expect(fileBytesOf(plan.model)).toBe(statSync(paths.modelPath).size);
    expect(fileBytesOf(plan.projector)).toBe(statSync(paths.projectorPath).size);
  });

  it('reports progress that grows to the total', async () => {
    const seen: ConvertProgress[] = [];
    await convert({}, { onProgress: (progress) => seen.push(progress) });
    const done = seen.map(({ doneBytes }) => doneBytes);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(seen.at(-1)?.doneBytes).toBe(seen.at(-1)?.totalBytes);
    expect(new Set(seen.map(({ part }) => part))).toEqual(new Set(['vision tower', 'language model']));
  });

  it('leaves nothing behind when it is cancelled or the codec fails', async () => {
    const abort = new AbortController();
    const cancelled = convert({}, { signal: abort.signal, onProgress: () => abort.abort() });
    await expect(cancelled).rejects.toMatchObject({ code: 'checkpoint.cancelled' });
    let calls = 0;
    const failing: TensorCodec = {
      ...floatCodec,
      convert: (...call) =>
        ++calls > 40 ? Promise.reject(new TypeError('codec')) : floatCodec.convert(...call),
    };
    await expect(convert({}, { codec: failing })).rejects.toThrow('codec');
    expect(readdirSync(outDir)).toEqual([]);
  });

  it('refuses element types that are no weights, and names the tensor', async () => {
    const tiny = tinyCheckpoint();
    made.push(tiny);
    const checkpoint = await describeCheckpoint(tiny.folder);
    const [first, ...rest] = checkpoint.textTensors;
    const odd = { ...first!, source: { ...first!.source, elementType: 'F64' as const } };
    const attempt = convertCheckpoint({
      checkpoint: { ...checkpoint, textTensors: [odd, ...rest] },
      outDir,
      textType: 'f32',
      towerType: 'auto',
      codec: floatCodec,
    });
    await expect(attempt).rejects.toThrow('is stored as F64');
    await checkpoint.close();
    expect(existsSync(join(outDir, 'model.gguf'))).toBe(false);
  });
});

// A GGUF pair in the shape of a published model with weights that mean nothing, written straight to disk: a card is measured by what
// it reads and multiplies, not by what comes out. Tokenizer and description are those of a small real pair.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { PlannedTensor } from 'takeoff-server/checkpoint/gguf/encode.js';
import { GgufFile } from 'takeoff-server/checkpoint/gguf/gguf-file.js';
import { i32s, text, u32, type GgufMetadata, type GgufValue } from 'takeoff-server/checkpoint/gguf/value.js';
import { GgufWriter } from 'takeoff-server/checkpoint/gguf/writer.js';
import {
  MODEL_FILE,
  PROJECTOR_FILE,
  type GgufPairPaths,
} from 'takeoff-server/checkpoint/convert/convert-checkpoint.js';
import { rowBytes, type TensorType } from 'takeoff-server/model/tensor-types.js';

export interface Shape {
  readonly layers: number;
  readonly width: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly contextTokens: number;
  readonly towerLayers: number;
  readonly towerWidth: number;
  readonly towerFeedForward: number;
  readonly towerHeads: number;
  readonly sidePx: number;
}

/** LLaVA 1.5 7 B with CLIP ViT-L/14-336, and a small one for machines without a card. */
export const SHAPES = {
  '7b': {
    layers: 32,
    width: 4096,
    feedForward: 11008,
    heads: 32,
    contextTokens: 4096,
    towerLayers: 23,
    towerWidth: 1024,
    towerFeedForward: 4096,
    towerHeads: 16,
    sidePx: 336,
  },
  tiny: {
    layers: 2,
    width: 256,
    feedForward: 512,
    heads: 4,
    contextTokens: 1024,
    towerLayers: 2,
    towerWidth: 128,
    towerFeedForward: 256,
    towerHeads: 2,
    sidePx: 112,
  },
} satisfies Record<string, Shape>;

export type ShapeName = keyof typeof SHAPES;
export const SHAPE_NAMES = Object.keys(SHAPES) as ShapeName[];

const PATCH_PX = 14;
/** Of LLaVA 1.6, in tiles. */
const PINPOINTS = [
  [1, 2],
  [2, 1],
  [2, 2],
  [3, 1],
  [1, 3],
];
const PIECE_BYTES = 64 * 2 ** 20;

export interface SyntheticPair {
  readonly shape: Shape;
  /** Of the matrices of the language model; those of the tower are f16. */
  readonly type: Extract<TensorType, 'F16' | 'Q4_0'>;
  /** Whether it cuts images into tiles as LLaVA 1.6 does, five of a large one; otherwise each is padded to one tile. */
  readonly isAnyres: boolean;
}

/** @param real a pair whose vocabulary and settings are taken */
export async function writeSyntheticPair(
  folder: string,
  real: GgufPairPaths,
  { shape, type, isAnyres }: SyntheticPair,
): Promise<GgufPairPaths> {
  mkdirSync(folder, { recursive: true });
  const modelPath = path.join(folder, MODEL_FILE);
  const projectorPath = path.join(folder, PROJECTOR_FILE);
  const model = await GgufFile.open(real.modelPath);
  const vocabularyRows = model.tensors.get('token_embd.weight')?.dimensions[1] ?? 0;
  await writeFile(
    modelPath,
    modelMetadata(model, shape, isAnyres),
    languageTensors(shape, vocabularyRows, type),
  );
  await model.close();
  const projector = await GgufFile.open(real.projectorPath ?? '');
  await writeFile(projectorPath, projectorMetadata(projector, shape), visionTensors(shape, isAnyres));
  await projector.close();
  return { modelPath, projectorPath };
}

const changed = (file: GgufFile, values: Readonly<Record<string, GgufValue>>): GgufMetadata =>
  new Map([...file.metadata, ...Object.entries(values)]);

function modelMetadata(file: GgufFile, shape: Shape, isAnyres: boolean): GgufMetadata {
  const told = file.metadata.get('takeoff.description');
  const description: unknown = JSON.parse(told?.type === 'string' ? told.value : '{}');
  const grids = PINPOINTS.map((tiles) => tiles.map((count) => count * shape.sidePx));
  const sees = {
    ...{ sidePx: shape.sidePx, patchPx: PATCH_PX },
    ...(isAnyres && { aspect: 'anyres', gridPinpoints: grids, mergeType: 'spatial_unpad' }),
  };
  return changed(file, {
    'llama.block_count': u32(shape.layers),
    'llama.context_length': u32(shape.contextTokens),
    'llama.embedding_length': u32(shape.width),
    'llama.feed_forward_length': u32(shape.feedForward),
    'llama.attention.head_count': u32(shape.heads),
    'llama.attention.head_count_kv': u32(shape.heads),
    'llama.rope.dimension_count': u32(shape.width / shape.heads),
    'takeoff.description': text(
      JSON.stringify({
        ...recordOf(description),
        contextTokens: shape.contextTokens,
        vision: { ...recordOf(recordOf(description)['vision']), ...sees },
      }),
    ),
  });
}

const recordOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

const projectorMetadata = (file: GgufFile, shape: Shape): GgufMetadata =>
  changed(file, {
    'clip.vision.image_size': u32(shape.sidePx),
    'clip.vision.patch_size': u32(PATCH_PX),
    'clip.vision.embedding_length': u32(shape.towerWidth),
    'clip.vision.feed_forward_length': u32(shape.towerFeedForward),
    'clip.vision.projection_dim': u32(shape.width),
    'clip.vision.block_count': u32(shape.towerLayers),
    'clip.vision.attention.head_count': u32(shape.towerHeads),
    'clip.vision.feature_layer': i32s([shape.towerLayers]),
    'clip.vision.mm_projector_type': text('mlp2x_gelu'),
    'takeoff.projector_type': text('mlp2x_gelu'),
    'takeoff.vision.layers': u32(shape.towerLayers),
  });

function languageTensors(
  { layers, width, feedForward }: Shape,
  vocabularyRows: number,
  type: TensorType,
): PlannedTensor[] {
  const matrix = (name: string, ...dimensions: [number, number]) => ({ name, dimensions, type });
  const norm = (name: string): PlannedTensor => ({ name, dimensions: [width], type: 'F32' });
  return [
    matrix('token_embd.weight', width, vocabularyRows),
    ...Array.from({ length: layers }, (_, layer) => `blk.${layer}`).flatMap((block) => [
      norm(`${block}.attn_norm.weight`),
      ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((name) =>
        matrix(`${block}.${name}.weight`, width, width),
      ),
      norm(`${block}.ffn_norm.weight`),
      matrix(`${block}.ffn_gate.weight`, width, feedForward),
      matrix(`${block}.ffn_up.weight`, width, feedForward),
      matrix(`${block}.ffn_down.weight`, feedForward, width),
    ]),
    norm('output_norm.weight'),
    matrix('output.weight', width, vocabularyRows),
  ];
}

function visionTensors(
  { towerLayers, towerWidth, towerFeedForward, sidePx, width }: Shape,
  isAnyres: boolean,
): PlannedTensor[] {
  const plain = (name: string, ...dimensions: number[]): PlannedTensor => ({ name, dimensions, type: 'F32' });
  const pair = (name: string, from: number, to: number): PlannedTensor[] => [
    { name: `${name}.weight`, dimensions: [from, to], type: 'F16' },
    plain(`${name}.bias`, to),
  ];
  const norm = (name: string): PlannedTensor[] => [
    plain(`${name}.weight`, towerWidth),
    plain(`${name}.bias`, towerWidth),
  ];
  return [
    plain('v.class_embd', towerWidth),
    { name: 'v.patch_embd.weight', dimensions: [PATCH_PX, PATCH_PX, 3, towerWidth], type: 'F16' },
    plain('v.position_embd.weight', towerWidth, (sidePx / PATCH_PX) ** 2 + 1),
    ...norm('v.pre_ln'),
    ...Array.from({ length: towerLayers }, (_, layer) => `v.blk.${layer}`).flatMap((block) => [
      ...norm(`${block}.ln1`),
      ...['attn_q', 'attn_k', 'attn_v', 'attn_out'].flatMap((name) =>
        pair(`${block}.${name}`, towerWidth, towerWidth),
      ),
      ...norm(`${block}.ln2`),
      ...pair(`${block}.ffn_up`, towerWidth, towerFeedForward),
      ...pair(`${block}.ffn_down`, towerFeedForward, towerWidth),
    ]),
    ...pair('mm.0', towerWidth, width),
    ...pair('mm.2', width, width),
    ...(isAnyres ? [plain('v.image_newline', width)] : []),
  ];
}

async function writeFile(file: string, metadata: GgufMetadata, tensors: PlannedTensor[]): Promise<void> {
  const writer = await GgufWriter.create(file, metadata, tensors);
  const pieces = new Map<TensorType, Uint8Array>();
  for (const { name, dimensions, type } of tensors) {
    const [row = 1, ...rest] = dimensions;
    let left = rest.reduce((product, count) => product * count, rowBytes(type, row) ?? 0);
    const piece = pieces.get(type) ?? filling(type);
    pieces.set(type, piece);
    for (let offset = 0; left > 0;) {
      const bytes = piece.subarray(0, Math.min(left, piece.length));
      await writer.write(name, offset, bytes);
      offset += bytes.length;
      left -= bytes.length;
    }
  }
  await writer.finish();
}

/** Values of some hundredths, in blocks of the type: a multiple of all block sizes long. */
function filling(type: TensorType): Uint8Array {
  const bytes = new Uint8Array(PIECE_BYTES - (PIECE_BYTES % (18 * 32)));
  const view = new DataView(bytes.buffer);
  let state = 1;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 16;
  if (type === 'F32') for (let at = 0; at < bytes.length; at += 4) view.setFloat32(at, 0.02, true);
  // Exponent of 2^-7, either sign.
  else for (let at = 0; at < bytes.length; at += 2) view.setUint16(at, 0x2000 | (next() & 0x83ff), true);
  if (type === 'Q4_0') for (let at = 0; at < bytes.length; at += 18) view.setUint16(at, 0x1800, true);
  return bytes;
}

// The CLIP vision tower and the projector as ggml graphs: normalised patches of one tile in, rows for the language model
// out. Cut into segments of a few layers, so that a reader can answer running streams between them. Mathematics:
// transformers' CLIP model and LLaVA's clip_encoder.py and multimodal_projector/builder.py (haotian-liu/LLaVA, c121f043).
import type { VisionShape } from '../../model/tower-shape.js';
import { GraphBuilder, type Graph } from '../../native/graph.js';
import type { Runtime } from '../../native/runtime.js';
import type { Tensor, TensorStore } from '../../native/tensors.js';

interface EncoderShape extends VisionShape {
  readonly keepsClassToken: boolean;
  /** Width of the language model's embeddings. */
  readonly textWidth: number;
}

export interface TowerOptions {
  /**
   * `exact`: softmax over the whole score matrix, as the reference does it. `flash`: the same in f32 without the matrix, which
   * CPUs do faster. `flash_f16`: keys and values in f16, which GPUs want.
   */
  readonly attention: 'exact' | 'flash' | 'flash_f16';
  readonly layersPerSegment: number;
}

interface Segment {
  readonly graph: Graph;
  readonly input: Tensor;
}

export class VisionTower {
  readonly shape: EncoderShape;
  /** Rows that one tile becomes. */
  readonly rowsPerTile: number;
  readonly #segments: readonly Segment[];

  constructor(runtime: Runtime, weights: TensorStore, shape: EncoderShape, options: TowerOptions) {
    this.shape = shape;
    this.rowsPerTile = patchCount(shape) + (shape.keepsClassToken ? 1 : 0);
    const segments: Segment[] = [];
    for (let first = 0; first === 0 || first < shape.layersToRun; first += options.layersPerSegment) {
      const end = Math.min(first + options.layersPerSegment, shape.layersToRun);
      segments.push(buildSegment(new GraphBuilder(runtime), weights, shape, options, first, end));
    }
    this.#segments = segments;
  }

  get segmentCount(): number {
    return this.#segments.length;
  }

  /**
   * Runs one segment. `values` is what the segment before returned, or the tile's patches
   * f32 [patches, 3 · patchPx²] for segment 0. The last segment returns f32 [rowsPerTile, textWidth].
   */
  async runSegment(index: number, values: Float32Array): Promise<Float32Array> {
    const segment = this.#segments[index];
    if (segment === undefined)
      throw new RangeError(`The tower has ${this.segmentCount} segments, not ${index + 1}.`);
    segment.graph.set(segment.input, values);
    await segment.graph.compute();
    return segment.graph.output();
  }

  close(): void {
    for (const segment of this.#segments) segment.graph.close();
  }
}

/** Whether nothing but a product reads a weight, and reads it whole; the patch kernel is reshaped first. */
export const isMatrix = (name: string): boolean =>
  /^(?:v\.blk\.\d+\.(?:attn|ffn)_\w+|mm\.\d+)\.weight$/u.test(name);

const patchCount = ({ sidePx, patchPx }: EncoderShape): number => (sidePx / patchPx) ** 2;

function buildSegment(
  g: GraphBuilder,
  weights: TensorStore,
  shape: EncoderShape,
  options: TowerOptions,
  first: number,
  end: number,
): Segment {
  const isFirst = first === 0;
  const patchElements = 3 * shape.patchPx ** 2;
  const input = g.input(
    'F32',
    isFirst ? [patchElements, patchCount(shape)] : [shape.hiddenSize, patchCount(shape) + 1],
  );
  let x = isFirst ? embed(g, weights, shape, input) : input;
  for (let layer = first; layer < end; layer += 1) x = encoderLayer(g, weights, shape, options, layer, x);
  if (end === shape.layersToRun) x = project(g, weights, shape, selectRows(g, shape, x));
  return { graph: g.finish(x), input };
}

/** Patch convolution as one product, class token first, positions added, then the pre-LayerNorm ("pre_layrnorm"). */
function embed(g: GraphBuilder, weights: TensorStore, shape: EncoderShape, patches: Tensor): Tensor {
  const kernel = g.reshape(weights.get('v.patch_embd.weight'), [patches.shape[0], shape.hiddenSize]);
  const classToken = g.reshape(weights.get('v.class_embd'), [shape.hiddenSize, 1]);
  const rows = g.concat(classToken, g.mulMat(kernel, patches), 1);
  const positioned = g.add(rows, weights.get('v.position_embd.weight'));
  return layerNorm(g, weights, 'v.pre_ln', positioned, shape.epsilon);
}

function encoderLayer(
  g: GraphBuilder,
  weights: TensorStore,
  shape: EncoderShape,
  options: TowerOptions,
  layer: number,
  x: Tensor,
): Tensor {
  const block = `v.blk.${layer}`;
  const normed = layerNorm(g, weights, `${block}.ln1`, x, shape.epsilon);
  const attended = attention(g, weights, shape, options, block, normed);
  const residual = g.add(x, linear(g, weights, `${block}.attn_out`, attended));
  const hidden = linear(
    g,
    weights,
    `${block}.ffn_up`,
    layerNorm(g, weights, `${block}.ln2`, residual, shape.epsilon),
  );
  const activated = shape.activation === 'gelu' ? g.geluErf(hidden) : quickGelu(g, hidden);
  return g.add(residual, linear(g, weights, `${block}.ffn_down`, activated));
}

function attention(
  g: GraphBuilder,
  weights: TensorStore,
  shape: EncoderShape,
  options: TowerOptions,
  block: string,
  x: Tensor,
): Tensor {
  const headWidth = shape.hiddenSize / shape.headCount;
  const rows = x.shape[1];
  const scale = 1 / Math.sqrt(headWidth);
  const heads = (name: string) =>
    g.permute(
      g.reshape(linear(g, weights, `${block}.${name}`, x), [headWidth, shape.headCount, rows]),
      [0, 2, 1, 3],
    );
  const q = heads('attn_q');
  const k = heads('attn_k');
  const v = heads('attn_v');
  if (options.attention !== 'exact') {
    const isHalf = options.attention === 'flash_f16';
    const attended = g.flashAttention(q, isHalf ? g.cast(k, 'F16') : k, isHalf ? g.cast(v, 'F16') : v, scale);
    return g.reshape(attended, [shape.hiddenSize, rows]);
  }
  const probabilities = g.softMax(g.mulMat(k, q), scale); // [keys, queries, heads]
  const values = g.cont(g.permute(v, [1, 0, 2, 3])); // [keys, headWidth, heads]
  const attended = g.permute(g.mulMat(values, probabilities), [0, 2, 1, 3]); // [headWidth, heads, queries]
  return g.reshape(g.cont(attended), [shape.hiddenSize, rows]);
}

/**
 * x · sigmoid(1.702 x), written with silu because ggml's own quick-GELU reads an f16 table on CPUs:
 * silu(1.702 x) = 1.702 · x · sigmoid(1.702 x).
 */
function quickGelu(g: GraphBuilder, x: Tensor): Tensor {
  const slope = 1.702;
  return g.scale(g.silu(g.scale(x, slope)), 1 / slope);
}

function selectRows(g: GraphBuilder, shape: EncoderShape, x: Tensor): Tensor {
  return shape.keepsClassToken ? x : g.cont(g.rows(x, 1, patchCount(shape)));
}

function project(g: GraphBuilder, weights: TensorStore, shape: EncoderShape, x: Tensor): Tensor {
  let rows = x;
  for (let index = 0; index < shape.projectorLayers; index += 1) {
    // Odd positions of the reference's nn.Sequential are the GELUs.
    rows = linear(g, weights, `mm.${2 * index}`, index === 0 ? rows : g.geluErf(rows));
  }
  return rows;
}

function linear(g: GraphBuilder, weights: TensorStore, name: string, x: Tensor): Tensor {
  return g.add(g.mulMat(weights.get(`${name}.weight`), x), weights.get(`${name}.bias`));
}

function layerNorm(g: GraphBuilder, weights: TensorStore, name: string, x: Tensor, epsilon: number): Tensor {
  return g.add(g.mul(g.norm(x, epsilon), weights.get(`${name}.weight`)), weights.get(`${name}.bias`));
}

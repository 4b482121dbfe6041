// The CLIP vision tower and the projector as one ggml graph: normalised patches of one or several tiles in, rows for the language model
// out. Beside them, what tells which patches matter: how much the class token of the selected layer looks at each, and how alike they
// are. Mathematics: transformers' CLIP model and LLaVA's clip_encoder.py and multimodal_projector/builder.py (haotian-liu/LLaVA,
// c121f043).
import type { VisionShape } from '../../model/tower-shape.js';
import type { GraphBuilder } from '../../native/graph.js';
import type { Tensor, TensorStore } from '../../native/tensors.js';

export interface EncoderShape extends VisionShape {
  readonly keepsClassToken: boolean;
  /** Width of the language model's embeddings. */
  readonly textWidth: number;
}

/** What a graph is built for. */
export interface GraphShape extends EncoderShape {
  /**
   * `exact`: softmax over the whole score matrix, as the reference does it. `flash`: the same in f32 without the matrix, which
   * CPUs do faster. `flash_f16`: keys and values in f16, which GPUs want.
   */
  readonly attention: 'exact' | 'flash' | 'flash_f16';
  readonly tiles: number;
}

export interface TowerTensors {
  /** f32 [3 · patchPx², patches · tiles] */
  readonly input: Tensor;
  /** Behind which the computation may pause: three of each layer, in about equal times. */
  readonly pauses: readonly Tensor[];
  /** What the projector takes, f32 [hiddenSize, rowsPerTile · tiles]. */
  readonly rows: Tensor;
  /** f32 [textWidth, rowsPerTile · tiles]; `rows` themselves where the projector is the identity. */
  readonly features: Tensor;
  /** Null for a tower of which no layer runs: nothing looks at anything there. */
  readonly scores: ScoreTensors | null;
}

export interface ScoreTensors {
  /** Of the class token to itself and to each patch, f32 [1 + patches, 1, heads, tiles]. */
  readonly attention: Tensor;
  /** Scalar products of the class token and the patches behind the selected layer, f32 [1 + patches, 1 + patches, tiles]. */
  readonly products: Tensor;
}

/** Whether nothing but a product reads a weight, and reads it whole; the patch kernel is reshaped first. */
export const isMatrix = (name: string): boolean =>
  /^(?:v\.blk\.\d+\.(?:attn|ffn)_\w+|mm\.\d+)\.weight$/u.test(name);

export const patchCount = ({ sidePx, patchPx }: VisionShape): number => (sidePx / patchPx) ** 2;

export function buildTower(g: GraphBuilder, weights: TensorStore, shape: GraphShape): TowerTensors {
  const input = g.input('F32', [3 * shape.patchPx ** 2, patchCount(shape) * shape.tiles]);
  let x = embed(g, weights, shape, input);
  let last: EncoderLayer | undefined;
  const pauses: Tensor[] = [];
  for (let layer = 0; layer < shape.layersToRun; layer += 1) {
    last = encoderLayer(g, weights, shape, layer, x);
    x = last.output;
    pauses.push(...last.pauses);
  }
  const rows = selectRows(g, shape, x);
  const features = project(g, weights, shape, rows);
  return { input, pauses, rows, features, scores: last === undefined ? null : score(g, shape, last) };
}

/** The projector: rows of the tower's width to rows of the language model's. */
export function project(g: GraphBuilder, weights: TensorStore, shape: EncoderShape, x: Tensor): Tensor {
  let rows = x;
  for (let index = 0; index < shape.projectorLayers; index += 1) {
    // Odd positions of the reference's nn.Sequential are the GELUs.
    rows = linear(g, weights, `mm.${2 * index}`, index === 0 ? rows : g.geluErf(rows));
  }
  return rows;
}

/** Patch convolution as one product, class token first, positions added, then the pre-LayerNorm ("pre_layrnorm"). */
function embed(g: GraphBuilder, weights: TensorStore, shape: GraphShape, patches: Tensor): Tensor {
  const kernel = g.reshape(weights.get('v.patch_embd.weight'), [patches.shape[0], shape.hiddenSize]);
  const { hiddenSize, tiles } = shape;
  const classToken = g.reshape(weights.get('v.class_embd'), [hiddenSize, 1]);
  const classTokens = tiles === 1 ? classToken : g.repeat(classToken, [hiddenSize, 1, tiles]);
  const embedded = g.reshape(g.mulMat(kernel, patches), [hiddenSize, patchCount(shape), tiles]);
  const positioned = g.add(g.concat(classTokens, embedded, 1), weights.get('v.position_embd.weight'));
  const rows = g.reshape(positioned, [hiddenSize, (patchCount(shape) + 1) * tiles]);
  return layerNorm(g, weights, 'v.pre_ln', rows, shape.epsilon);
}

interface EncoderLayer {
  readonly queries: Tensor;
  readonly keys: Tensor;
  /** All three f32 [hiddenSize, (1 + patches) · tiles]. */
  readonly output: Tensor;
  /** Behind attention, behind the first half of the feed-forward block, and the output. */
  readonly pauses: readonly Tensor[];
}

function encoderLayer(
  g: GraphBuilder,
  weights: TensorStore,
  shape: GraphShape,
  layer: number,
  x: Tensor,
): EncoderLayer {
  const block = `v.blk.${layer}`;
  const normed = layerNorm(g, weights, `${block}.ln1`, x, shape.epsilon);
  const queries = linear(g, weights, `${block}.attn_q`, normed);
  const keys = linear(g, weights, `${block}.attn_k`, normed);
  const attended = attention(g, shape, queries, keys, linear(g, weights, `${block}.attn_v`, normed));
  const residual = g.add(x, linear(g, weights, `${block}.attn_out`, attended));
  const hidden = linear(
    g,
    weights,
    `${block}.ffn_up`,
    layerNorm(g, weights, `${block}.ln2`, residual, shape.epsilon),
  );
  const activated = shape.activation === 'gelu' ? g.geluErf(hidden) : quickGelu(g, hidden);
  const output = g.add(residual, linear(g, weights, `${block}.ffn_down`, activated));
  return { queries, keys, output, pauses: [residual, activated, output] };
}

function attention(
  g: GraphBuilder,
  shape: GraphShape,
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
): Tensor {
  const allRows = queries.shape[1];
  const scale = attentionScale(shape);
  const q = heads(g, shape, queries);
  const k = heads(g, shape, keys);
  const v = heads(g, shape, values);
  if (shape.attention !== 'exact') {
    const isHalf = shape.attention === 'flash_f16';
    const attended = g.flashAttention(q, isHalf ? g.cast(k, 'F16') : k, isHalf ? g.cast(v, 'F16') : v, scale);
    return g.reshape(attended, [shape.hiddenSize, allRows]);
  }
  const probabilities = g.softMax(g.mulMat(k, q), scale); // [keys, queries, heads, tiles]
  const transposed = g.cont(g.permute(v, [1, 0, 2, 3])); // [keys, headWidth, heads, tiles]
  const attended = g.permute(g.mulMat(transposed, probabilities), [0, 2, 1, 3]); // [headWidth, heads, queries, tiles]
  return g.reshape(g.cont(attended), [shape.hiddenSize, allRows]);
}

/** Rows [hiddenSize, rows · tiles] by heads, [headWidth, rows, heads, tiles], as a view. */
function heads(g: GraphBuilder, { hiddenSize, headCount, tiles }: GraphShape, x: Tensor): Tensor {
  return g.permute(
    g.reshape(x, [hiddenSize / headCount, headCount, x.shape[1] / tiles, tiles]),
    [0, 2, 1, 3],
  );
}

const attentionScale = ({ hiddenSize, headCount }: EncoderShape): number =>
  1 / Math.sqrt(hiddenSize / headCount);

/** The attention of one row of each tile, of one layer: a six-hundredth of what the layer computed for all of them. */
function score(g: GraphBuilder, shape: GraphShape, { queries, keys, output }: EncoderLayer): ScoreTensors {
  const { hiddenSize, tiles } = shape;
  const byTile = (x: Tensor) => g.reshape(x, [hiddenSize, patchCount(shape) + 1, tiles]);
  const classQueries = g.reshape(g.cont(g.rows(byTile(queries), 0, 1)), [hiddenSize, tiles]);
  const products = g.mulMat(g.cont(heads(g, shape, keys)), g.cont(heads(g, shape, classQueries)));
  return {
    attention: g.softMax(products, attentionScale(shape)),
    products: g.mulMat(byTile(output), byTile(output)),
  };
}

/**
 * x · sigmoid(1.702 x), written with silu because ggml's own quick-GELU reads an f16 table on CPUs:
 * silu(1.702 x) = 1.702 · x · sigmoid(1.702 x).
 */
function quickGelu(g: GraphBuilder, x: Tensor): Tensor {
  const slope = 1.702;
  return g.scale(g.silu(g.scale(x, slope)), 1 / slope);
}

function selectRows(g: GraphBuilder, shape: GraphShape, x: Tensor): Tensor {
  if (shape.keepsClassToken) return x;
  const { hiddenSize, tiles } = shape;
  const patches = patchCount(shape);
  const withClass = g.reshape(x, [hiddenSize, patches + 1, tiles]);
  return g.reshape(g.cont(g.rows(withClass, 1, patches)), [hiddenSize, patches * tiles]);
}

function linear(g: GraphBuilder, weights: TensorStore, name: string, x: Tensor): Tensor {
  return g.add(g.mulMat(weights.get(`${name}.weight`), x), weights.get(`${name}.bias`));
}

function layerNorm(g: GraphBuilder, weights: TensorStore, name: string, x: Tensor, epsilon: number): Tensor {
  return g.add(g.mul(g.norm(x, epsilon), weights.get(`${name}.weight`)), weights.get(`${name}.bias`));
}

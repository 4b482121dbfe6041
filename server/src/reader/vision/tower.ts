// The CLIP vision tower and the projector as ggml graphs: normalised patches of one or several tiles in, rows for the language model
// out. Computed in parts of one layer where they take long, so that a reader can answer running streams between them. Mathematics:
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
  /** Whether the computation can pause behind each layer; otherwise it is one part. */
  readonly pausesBehindLayers: boolean;
  /** Tiles of one run at most. Each number of them that comes has a graph and activations of its own. */
  readonly tilesPerRun: number;
}

/** What a graph is built for. */
interface GraphShape extends EncoderShape, Pick<TowerOptions, 'attention' | 'pausesBehindLayers'> {
  readonly tiles: number;
}

interface TowerGraph {
  readonly graph: Graph;
  readonly input: Tensor;
}

/** One run of the tower, for some tiles. Another one of as many tiles must not begin before it is over. */
export interface TowerRun {
  /** Parts that have not been computed. */
  readonly partsLeft: number;
  computePart(): Promise<void>;
  /** f32 [tiles, rowsPerTile, textWidth], when no part is left. */
  output(): Float32Array;
}

export class VisionTower {
  readonly shape: EncoderShape;
  /** Rows that one tile becomes. */
  readonly rowsPerTile: number;
  readonly tilesPerRun: number;
  readonly #runtime: Runtime;
  readonly #weights: TensorStore;
  readonly #options: TowerOptions;
  /** By the number of tiles. */
  readonly #graphs = new Map<number, TowerGraph>();

  constructor(runtime: Runtime, weights: TensorStore, shape: EncoderShape, options: TowerOptions) {
    this.shape = shape;
    this.rowsPerTile = patchCount(shape) + (shape.keepsClassToken ? 1 : 0);
    this.tilesPerRun = options.tilesPerRun;
    this.#runtime = runtime;
    this.#weights = weights;
    this.#options = options;
    this.#graphFor(1);
  }

  /** Parts of the computation of one run. */
  get partCount(): number {
    return this.#graphFor(1).graph.partCount;
  }

  /** @param patches of the tiles, f32 [tiles, patches, 3 · patchPx²] */
  begin(patches: Float32Array, tiles: number): TowerRun {
    const { graph, input } = this.#graphFor(tiles);
    graph.set(input, patches);
    let next = 0;
    return {
      get partsLeft() {
        return graph.partCount - next;
      },
      computePart: () => graph.computePart(next++),
      output: () => graph.output(),
    };
  }

  close(): void {
    for (const { graph } of this.#graphs.values()) graph.close();
  }

  #graphFor(tiles: number): TowerGraph {
    const known = this.#graphs.get(tiles);
    if (known !== undefined) return known;
    const { attention, pausesBehindLayers } = this.#options;
    const shape = { ...this.shape, attention, pausesBehindLayers, tiles };
    const built = buildGraph(new GraphBuilder(this.#runtime), this.#weights, shape);
    this.#graphs.set(tiles, built);
    return built;
  }
}

/** Whether nothing but a product reads a weight, and reads it whole; the patch kernel is reshaped first. */
export const isMatrix = (name: string): boolean =>
  /^(?:v\.blk\.\d+\.(?:attn|ffn)_\w+|mm\.\d+)\.weight$/u.test(name);

const patchCount = ({ sidePx, patchPx }: VisionShape): number => (sidePx / patchPx) ** 2;

function buildGraph(g: GraphBuilder, weights: TensorStore, shape: GraphShape): TowerGraph {
  const input = g.input('F32', [3 * shape.patchPx ** 2, patchCount(shape) * shape.tiles]);
  let x = embed(g, weights, shape, input);
  const layers: Tensor[] = [];
  for (let layer = 0; layer < shape.layersToRun; layer += 1) {
    x = encoderLayer(g, weights, shape, layer, x);
    layers.push(x);
  }
  const output = project(g, weights, shape, selectRows(g, shape, x));
  // Not behind the last one: the projector is a small part of a layer.
  return { graph: g.finish(output, shape.pausesBehindLayers ? layers.slice(0, -1) : []), input };
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

function encoderLayer(
  g: GraphBuilder,
  weights: TensorStore,
  shape: GraphShape,
  layer: number,
  x: Tensor,
): Tensor {
  const block = `v.blk.${layer}`;
  const normed = layerNorm(g, weights, `${block}.ln1`, x, shape.epsilon);
  const attended = attention(g, weights, shape, block, normed);
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
  shape: GraphShape,
  block: string,
  x: Tensor,
): Tensor {
  const headWidth = shape.hiddenSize / shape.headCount;
  const allRows = x.shape[1];
  const rows = allRows / shape.tiles;
  const scale = 1 / Math.sqrt(headWidth);
  const heads = (name: string) =>
    g.permute(
      g.reshape(linear(g, weights, `${block}.${name}`, x), [headWidth, shape.headCount, rows, shape.tiles]),
      [0, 2, 1, 3],
    );
  const q = heads('attn_q');
  const k = heads('attn_k');
  const v = heads('attn_v');
  if (shape.attention !== 'exact') {
    const isHalf = shape.attention === 'flash_f16';
    const attended = g.flashAttention(q, isHalf ? g.cast(k, 'F16') : k, isHalf ? g.cast(v, 'F16') : v, scale);
    return g.reshape(attended, [shape.hiddenSize, allRows]);
  }
  const probabilities = g.softMax(g.mulMat(k, q), scale); // [keys, queries, heads, tiles]
  const values = g.cont(g.permute(v, [1, 0, 2, 3])); // [keys, headWidth, heads, tiles]
  const attended = g.permute(g.mulMat(values, probabilities), [0, 2, 1, 3]); // [headWidth, heads, queries, tiles]
  return g.reshape(g.cont(attended), [shape.hiddenSize, allRows]);
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

function project(g: GraphBuilder, weights: TensorStore, shape: GraphShape, x: Tensor): Tensor {
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

// Runs the vision tower: tiles in, their features out, or what their features are chosen by. Computed in parts of a third of a
// layer where they take long, so that a reader can answer running streams between them.
import { Defect } from '../../errors.js';
import { GraphBuilder, type Graph } from '../../native/graph.js';
import type { Runtime } from '../../native/runtime.js';
import type { Tensor, TensorStore } from '../../native/tensors.js';
import {
  buildTower,
  patchCount,
  project,
  type EncoderShape,
  type GraphShape,
  type TowerTensors,
} from './tower-graph.js';

export interface TowerOptions extends Pick<GraphShape, 'attention'> {
  /** Whether the computation can pause within layers and behind them; otherwise it is one part. */
  readonly canPause: boolean;
  /** Tiles of one run at most. Each number of them that comes has a graph and activations of its own. */
  readonly tilesPerRun: number;
}

/** One run of the tower, for some tiles. Another one of as many tiles must not begin before it is over. */
export interface TowerRun<Output> {
  /** Parts that have not been computed. */
  readonly partsLeft: number;
  computePart(): Promise<void>;
  /** Of each tile, when no part is left. */
  output(): Output[];
}

/** A tile before the projector, with what its rows are chosen by. */
export interface ScoredTile {
  /** f32 [rowsPerTile, hiddenSize] */
  readonly rows: Float32Array;
  /** Of the class token to itself and to each patch, f32 [heads, 1 + patches]. */
  readonly attention: Float32Array;
  /** Scalar products of the class token and the patches behind the selected layer, f32 [1 + patches, 1 + patches]. */
  readonly products: Float32Array;
}

interface TowerGraph {
  readonly graph: Graph;
  readonly tensors: TowerTensors;
  /** Parts up to the rows that the projector takes. Behind them come that of the projector, if it does anything, and that of the scores. */
  readonly bodyParts: number;
}

/** Rows of one run of the projector alone: as few as keep the processor busy, since those that nobody asked for are computed too. */
export const ROWS_PER_PROJECTION = 64;

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
  #projector: { readonly graph: Graph; readonly input: Tensor; readonly output: Tensor } | undefined;

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
    return this.#graphFor(1).bodyParts;
  }

  /** Of the features of one tile. */
  get floatsPerTile(): number {
    return this.rowsPerTile * this.shape.textWidth;
  }

  /** Whether a class token says which patches matter. */
  get canScore(): boolean {
    return this.shape.layersToRun > 0;
  }

  /**
   * Features of tiles, f32 [rowsPerTile, textWidth] each.
   * @param patches of the tiles, f32 [tiles, patches, 3 · patchPx²]; read before it returns
   * @param into what `output` gives views of
   */
  begin(patches: Float32Array, tiles: number, into: Float32Array): TowerRun<Float32Array> {
    const { graph, tensors, bodyParts } = this.#graphFor(tiles);
    const { rows, features } = tensors;
    const projector = features === rows ? [] : [bodyParts];
    return this.#run(patches, tiles, projector, () => {
      graph.readInto(features, into);
      return split(into, tiles);
    });
  }

  /** Tiles before the projector. `patches`: as in `begin`. */
  beginScored(patches: Float32Array, tiles: number): TowerRun<ScoredTile> {
    const { graph, tensors, bodyParts } = this.#graphFor(tiles);
    const { rows, features, scores } = tensors;
    if (scores === null) throw new Defect('Scores were asked of a tower of which no layer runs.');
    return this.#run(patches, tiles, [features === rows ? bodyParts : bodyParts + 1], () => {
      const ofTiles = (tensor: Tensor) => split(graph.read(tensor), tiles);
      const attention = ofTiles(scores.attention);
      const products = ofTiles(scores.products);
      return ofTiles(rows).map((tile, index) => ({
        rows: tile,
        attention: attention[index] ?? new Float32Array(),
        products: products[index] ?? new Float32Array(),
      }));
    });
  }

  /**
   * Rows of tiles as the projector makes them features.
   * @param rows f32 [up to ROWS_PER_PROJECTION, hiddenSize]
   * @returns f32 [as many, textWidth]
   */
  async project(rows: Float32Array): Promise<Float32Array> {
    const { hiddenSize, textWidth, projectorLayers } = this.shape;
    if (projectorLayers === 0) return rows;
    this.#projector ??= this.#buildProjector();
    const { graph, input, output } = this.#projector;
    const padded = new Float32Array(ROWS_PER_PROJECTION * hiddenSize);
    padded.set(rows);
    graph.set(input, padded);
    await graph.compute();
    return graph.read(output).slice(0, (rows.length / hiddenSize) * textWidth);
  }

  close(): void {
    for (const { graph } of this.#graphs.values()) graph.close();
    this.#projector?.graph.close();
  }

  /** Computes the body part by part, and together with the last one of it what the caller wants of the rest. */
  #run<Output>(
    patches: Float32Array,
    tiles: number,
    wanted: readonly number[],
    output: () => Output[],
  ): TowerRun<Output> {
    const { graph, tensors, bodyParts } = this.#graphFor(tiles);
    graph.set(tensors.input, patches);
    let next = 0;
    return {
      get partsLeft() {
        return bodyParts - next;
      },
      computePart: async () => {
        await graph.computePart(next++);
        if (next < bodyParts) return;
        for (const part of wanted) await graph.computePart(part);
      },
      output,
    };
  }

  #graphFor(tiles: number): TowerGraph {
    const known = this.#graphs.get(tiles);
    if (known !== undefined) return known;
    const { attention, canPause } = this.#options;
    const g = new GraphBuilder(this.#runtime);
    const tensors = buildTower(g, this.#weights, { ...this.shape, attention, tiles });
    const { pauses, rows, features, scores } = tensors;
    // Behind the last layer there is only what its part ends with.
    const body = [...(canPause ? pauses.slice(0, -1) : []), rows];
    const outputs = features === rows ? [] : [features];
    const scored = scores === null ? [] : [scores.attention, scores.products];
    const parts = [...body.map((end) => [end]), outputs, scored].filter(({ length }) => length > 0);
    const graph = g.finish(parts, [rows, ...outputs, ...scored]);
    const built = { graph, tensors, bodyParts: body.length };
    this.#graphs.set(tiles, built);
    return built;
  }

  #buildProjector(): { readonly graph: Graph; readonly input: Tensor; readonly output: Tensor } {
    const g = new GraphBuilder(this.#runtime);
    const input = g.input('F32', [this.shape.hiddenSize, ROWS_PER_PROJECTION]);
    const output = project(g, this.#weights, this.shape, input);
    return { graph: g.finish([[output]], [output]), input, output };
  }
}

/** Equal parts, as views. */
const split = (values: Float32Array, parts: number): Float32Array[] =>
  Array.from({ length: parts }, (_, index) =>
    values.subarray((index * values.length) / parts, ((index + 1) * values.length) / parts),
  );

// Where the parts of a model go on GPUs: how many layers, how large a KV cache, how much to which device. A pure function of what
// the devices say of their memory and what the model needs. The tower and its activations are always on the first device; layers
// are given from the last one on, as llama.cpp counts them, the output being the one behind the last.
import { ConfigError, NativeError } from '../../errors.js';
import { bytesOf, bytesText, type MemorySize } from '../../model/memory-size.js';
import { CELL_STEP, roundedUp } from './kv-budget.js';

export interface DeviceMemory {
  readonly name: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface PlacementDemand {
  /** The devices that share the model, at least one. */
  readonly devices: readonly DeviceMemory[];
  readonly hostFreeBytes: number;
  /** Of the setting. */
  readonly gpuLayers: number | 'auto';
  /** Weights of each block. */
  readonly layerBytes: readonly number[];
  readonly outputBytes: number;
  /** Weights of the tower, and what it computes with at most. */
  readonly towerBytes: number;
  /** What a step of the language model computes with on each device, without the part that grows with the cache. */
  readonly activationBytes: number;
  /** Keys and values of one position over all layers. */
  readonly bytesPerCell: number;
  /** What a step needs for each cell beside that, on each device. */
  readonly maskBytesPerCell: number;
  readonly contextTokens: number;
  readonly maxSequences: number;
  readonly pageCacheSize: MemorySize | null;
  /** How often the cache is halved because memory ran out before. */
  readonly kvHalvings: number;
}

export interface Placement {
  /** Layers on devices, the output counted as one. */
  readonly gpuLayers: number;
  readonly cells: number;
  /** Share of each device, by its memory. */
  readonly tensorSplit: readonly number[];
  /** One line for the log. */
  readonly explanation: string;
}

/** Left free for the driver, for fragmentation and for what other programs take meanwhile. */
const MARGIN_SHARE = 0.05;
const MIN_MARGIN_BYTES = 256 * 2 ** 20;
/** Of the host's free memory, for keys and values of layers that stay there. */
const HOST_SHARE = 0.3;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/**
 * @throws NativeError native.out_of_memory when the device has no room for what must be there
 * @throws ConfigError when page_cache_size has no room for one sequence of full length
 */
export function placeModel(demand: PlacementDemand): Placement {
  const budgets = budgetsOf(demand);
  const budget = sum(budgets) - largestLayer(demand) * (budgets.length - 1);
  const gpuLayers = chooseLayers(demand, budget);
  const cells = chooseDeviceCells(demand, budget, gpuLayers);
  return { gpuLayers, cells, tensorSplit: budgets, explanation: explain(demand, gpuLayers, cells) };
}

/** Bytes for layers and cache on each device. */
function budgetsOf({ devices, towerBytes, activationBytes }: PlacementDemand): number[] {
  return devices.map(({ name, freeBytes, totalBytes }, index) => {
    const margin = Math.max(MIN_MARGIN_BYTES, totalBytes * MARGIN_SHARE);
    const fixed = activationBytes + (index === 0 ? towerBytes : 0);
    if (freeBytes >= margin + fixed) return freeBytes - margin - fixed;
    throw new NativeError(
      'native.out_of_memory',
      `${name} has ${bytesText(freeBytes)} free; ${index === 0 ? 'the vision tower and a step' : 'a step'} of the language model need ${bytesText(fixed)}, ` +
        `and ${bytesText(margin)} are left for the driver. Free memory on it, choose another device with cuda_visible_devices, or set device to cpu.`,
    );
  });
}

/** Layers lie on one device each, so up to one of them goes unused at each border. */
const largestLayer = ({ layerBytes, outputBytes }: PlacementDemand): number =>
  Math.max(outputBytes, ...layerBytes);

const allLayers = ({ layerBytes }: PlacementDemand): number => layerBytes.length + 1;

const weightsOf = ({ layerBytes, outputBytes }: PlacementDemand, layers: number): number =>
  layers === 0 ? 0 : sum([...layerBytes, outputBytes].slice(-layers));

/** Keys and values lie beside the layers that they belong to. */
const deviceBytesPerCell = (demand: PlacementDemand, layers: number): number =>
  (demand.bytesPerCell * Math.max(0, layers - 1)) / demand.layerBytes.length + demand.maskBytesPerCell;

/** Of one sequence of full length. */
const leastCells = ({ contextTokens }: PlacementDemand): number => roundedUp(contextTokens);

const bytesNeeded = (demand: PlacementDemand, layers: number): number =>
  weightsOf(demand, layers) + deviceBytesPerCell(demand, layers) * leastCells(demand);

function chooseLayers(demand: PlacementDemand, budget: number): number {
  const counts = Array.from({ length: allLayers(demand) + 1 }, (_, layers) => layers);
  const most = counts.findLast((layers) => bytesNeeded(demand, layers) <= budget) ?? 0;
  if (demand.gpuLayers === 'auto') return most;
  const wanted = Math.min(demand.gpuLayers, allLayers(demand));
  if (wanted <= most) return wanted;
  throw new NativeError(
    'native.out_of_memory',
    `gpu_layers is ${demand.gpuLayers}: ${wanted} layers with keys and values of ${demand.contextTokens} tokens need ${bytesText(bytesNeeded(demand, wanted))}, ` +
      `and ${bytesText(budget)} are free for them on ${namesOf(demand)}. ${most} layers fit; so would more with a smaller max_sequence_length or quant_type.`,
  );
}

function chooseDeviceCells(demand: PlacementDemand, budget: number, layers: number): number {
  const { contextTokens, maxSequences, bytesPerCell, hostFreeBytes, kvHalvings } = demand;
  const perCell = deviceBytesPerCell(demand, layers);
  const onDevice = (budget - weightsOf(demand, layers)) / perCell;
  const hostPerCell = bytesPerCell - (perCell - demand.maskBytesPerCell);
  const onHost = hostPerCell > 0 ? (hostFreeBytes * HOST_SHARE) / hostPerCell : Infinity;
  const wanted = wantedCells(demand, budget) ?? contextTokens * maxSequences;
  const affordable = Math.min(wanted, onDevice, onHost) / 2 ** kvHalvings;
  return Math.max(leastCells(demand), Math.floor(affordable / CELL_STEP) * CELL_STEP);
}

/** Those of page_cache_size, shares of which are of what is free on the devices. */
function wantedCells(demand: PlacementDemand, budget: number): number | undefined {
  const { pageCacheSize, bytesPerCell, contextTokens } = demand;
  if (pageCacheSize === null) return undefined;
  const bytes = bytesOf(pageCacheSize, sum(demand.devices.map(({ freeBytes }) => freeBytes)));
  const cells = Math.floor(bytes / bytesPerCell);
  if (cells >= leastCells(demand)) return cells;
  throw new ConfigError(
    `page_cache_size is ${pageCacheSize}, ${bytes} bytes, which hold ${cells} tokens; one prompt and its answer may have ${contextTokens}. ` +
      `${bytesText(budget)} are free for weights and cache: allow more, or set a smaller max_sequence_length.`,
  );
}

const namesOf = ({ devices }: PlacementDemand): string => devices.map(({ name }) => name).join(' and ');

function explain(demand: PlacementDemand, layers: number, cells: number): string {
  const { devices, towerBytes, bytesPerCell, layerBytes, kvHalvings } = demand;
  const all = layerBytes.length + 1;
  const [first] = devices;
  const parts = [
    `${layers === all ? `all ${all}` : `${layers} of ${all}`} layers (${bytesText(weightsOf(demand, layers))}) on ${namesOf(demand)}${devices.length > 1 ? ', split by layers' : ''}`,
    ...(layers === all ? [] : ['the others on the processor']),
    ...(towerBytes === 0
      ? []
      : [`tower (${bytesText(towerBytes)} with its activations) on ${first?.name ?? ''}`]),
    `${cells} KV cells (${bytesText(cells * bytesPerCell)})${kvHalvings === 0 ? '' : `, fewer because memory ran out ${kvHalvings} time${kvHalvings === 1 ? '' : 's'}`}`,
    `free before: ${devices.map(({ freeBytes, totalBytes }) => `${bytesText(freeBytes)} of ${bytesText(totalBytes)}`).join(', ')}`,
  ];
  return `placement: ${parts.join('; ')}`;
}

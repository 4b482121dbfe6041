// How much memory a model takes at each type that its language model can be stored in.
import { TEXT_QUANTS } from '../../model/quantisation.js';
import { fileBytesOf, planPair } from '../convert/plan-pair.js';
import { chooseTextQuant, chooseTowerQuant } from '../convert/quantisation.js';
import type { Checkpoint } from '../source/checkpoint.js';
import type { MemoryNeed } from './inspection.js';

interface KvShape {
  readonly layerCount: number;
  readonly kvHeadCount: number;
  /** Elements per head. */
  readonly headSize: number;
  readonly contextTokens: number;
}

/** llama.cpp's granularity of the cache. */
const CELL_STEP = 256;

export function memoryNeeds(checkpoint: Checkpoint): MemoryNeed[] {
  const chosen = chooseTextQuant('auto', checkpoint);
  const shape = { ...checkpoint.text, contextTokens: checkpoint.description.contextTokens };
  return TEXT_QUANTS.map((type) => {
    const plan = planPair(checkpoint, type, chooseTowerQuant('auto', type, checkpoint));
    const weightBytes = fileBytesOf(plan.model);
    const towerBytes = fileBytesOf(plan.projector);
    // f32 weights mean f32 everywhere, to compare with the reference.
    const kvCacheBytes = kvBytes(shape, type === 'f32' ? 4 : 2);
    const totalBytes = weightBytes + towerBytes + kvCacheBytes;
    return { type, weightBytes, towerBytes, kvCacheBytes, totalBytes, isAuto: type === chosen };
  });
}

/** Keys and values of one sequence of full length. */
export function kvBytes(
  { layerCount, kvHeadCount, headSize, contextTokens }: KvShape,
  elementBytes: number,
): number {
  const cells = Math.ceil(contextTokens / CELL_STEP) * CELL_STEP;
  return cells * 2 * layerCount * kvHeadCount * headSize * elementBytes;
}

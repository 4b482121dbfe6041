// How much of everything is simulated, and how much of it a load is.
import { ANSWER_MS, type Scenario } from './simulation.js';

export type Size = Omit<Scenario, 'rate' | 'place'>;

/** Four answers at a time, a vision tower of 800 ms; what readers keep of images is what they keep by default with a 7 B model. */
export const MODEL = { places: 4, visionMs: 800, keptTiles: 64, keptFeatures: 28 } as const;

/** Requests of a second that would keep so much of all places busy if every image had to be encoded. */
export function rateOf({ readers, model }: Pick<Size, 'readers' | 'model'>, load: number): number {
  const serviceMs = model.visionMs + (ANSWER_MS.least + ANSWER_MS.most) / 2;
  return (load * readers * model.places * 1_000) / serviceMs;
}

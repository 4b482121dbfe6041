// A small form of `npm run bench -- cluster`: the product's placement in simulated time, with readers that come, die and drain. Needs no
// Redis and no model.
import { describe, expect, it } from 'vitest';
import { ends, Simulation } from '../../bench/cluster/simulation.js';
import { MODEL, rateOf } from '../../bench/cluster/size.js';
import { SimulatedSteps } from '../../bench/cluster/steps.js';
import { placeRequest } from '../../server/src/gateway/remote/placement.js';

const SIZE = { readers: 40, requests: 12_000, images: 8_000, gateways: 4, seed: 3, model: MODEL };
const RATE = rateOf(SIZE, 0.6);
const NOTHING_LOST = { lost: 0, endedTwice: 0 };

const simulate = (place: typeof placeRequest): Simulation =>
  new Simulation({ ...SIZE, place, rate: () => RATE });

describe('simulated readers and gateways', () => {
  it('end every request once, and find more images encoded than without placement, on readers that are as busy', () => {
    const placed = simulate(placeRequest);
    placed.run();
    const shared = simulate(() => ({ kind: 'shared' }));
    shared.run();
    expect(ends(placed)).toEqual({ ...NOTHING_LOST, diedInAnswer: 0 });
    expect(ends(shared)).toEqual({ ...NOTHING_LOST, diedInAnswer: 0 });
    const [with_, without] = [placed, shared].map(({ outcomes }) => outcomes.window());
    expect(with_!.encoded).toBeGreaterThan(2 * without!.encoded);
    expect(with_!.p50Ms).toBeLessThan(without!.p50Ms / 2);
    // Nobody crowds: one in twenty placed requests is not taken at once.
    expect(placed.moved / placed.placed).toBeLessThan(0.05);
  });

  it('lose no request when readers come, die and drain, but the answers that the dead had begun', () => {
    const simulation = simulate(placeRequest);
    const steps = new SimulatedSteps(simulation, (windowMs) => (RATE * windowMs) / 1_000 / SIZE.requests);
    steps.plan(0.4, 'come', () => simulation.add(8));
    steps.plan(0.8, 'go', () => {
      simulation.kill(4);
      simulation.drain(8);
    });
    simulation.run();
    const { diedInAnswer, ...others } = ends(simulation);
    expect(others).toEqual(NOTHING_LOST);
    expect(diedInAnswer).toBeGreaterThan(0);
    expect(diedInAnswer).toBeLessThanOrEqual(4 * MODEL.places);
    const [come, go] = steps.figures;
    expect(come!.lostImages).toBe(0);
    expect(go!.lostImages).toBeGreaterThan(0);
  });
});

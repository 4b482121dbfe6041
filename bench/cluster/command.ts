// `npm run bench -- cluster`: a thousand readers in simulated time, with the product's own placement function. Needs no model and no Redis.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { placeRequest } from 'takeoff-server/gateway/remote/placement.js';
import { OptionError, parseCount } from '../options.js';
import { reportHead } from '../report.js';
import { autoscale } from './autoscale.js';
import { ends, Simulation } from './simulation.js';
import { MODEL, rateOf, type Size } from './size.js';
import type { SimulatedReader } from './simulated-reader.js';
import { SimulatedSteps, STEP_MS } from './steps.js';

const HELP = `npm run bench -- cluster [options]

  --readers N    readers at the start (default: 1000)
  --requests N   requests of the run with steps, and of all steady runs together (default: 1000000)
  --images N     images, the n-th wanted n times less often than the first (default: 200000)
  --seed N       of everything random (default: 1)
  --json FILE    writes the report as JSON

Prints how often an image was encoded already, how long first tokens took, how evenly readers were busy and what steps of scaling
and failures did to both: with the product's placement of requests, and without any.
`;

const LOADS = [0.6, 0.9] as const;
const STEP_LOAD = 0.6;
/** Of all requests, between two steps. */
const STEP_SHARE = 0.2;
/** Until readers have images. */
const WARM_UP_MS = 30_000;

const shared = (): { readonly kind: 'shared' } => ({ kind: 'shared' });

export function benchCluster(args: readonly string[]): void {
  const { values } = parseArgs({
    args: [...args],
    options: {
      readers: { type: 'string', default: '1000' },
      requests: { type: 'string', default: '1000000' },
      images: { type: 'string', default: '200000' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const size = {
    readers: parseCount('--readers', values.readers),
    requests: parseCount('--requests', values.requests),
    images: parseCount('--images', values.images),
    seed: parseCount('--seed', values.seed, 0),
    gateways: 10,
    model: MODEL,
  };
  validateRequests(size);
  const figures = { steady: steadyRuns(size), steps: stepRun(size), autoscaling: autoscale(size) };
  const { commit, node, hardware } = reportHead('', '');
  const report = {
    command: `npm run bench -- cluster ${args.join(' ')}`.trim(),
    commit,
    node,
    hardware,
    size,
    ...figures,
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}

/** @throws OptionError where steps would follow each other too quickly to be told apart */
function validateRequests(size: Size): void {
  const least = Math.ceil((rateOf(size, STEP_LOAD) * STEP_MS) / 1_000 / STEP_SHARE);
  if (size.requests >= least) return;
  throw new OptionError(
    `--requests is ${size.requests}; with ${size.readers} readers at least ${least} are needed.`,
  );
}

function steadyRuns(size: Size): readonly object[] {
  return LOADS.flatMap((load) =>
    [placeRequest, shared].map((place) => {
      const rate = rateOf(size, load);
      const requests = Math.round(size.requests / (2 * LOADS.length));
      const simulation = new Simulation({ ...size, requests, place, rate: () => rate });
      simulation.run();
      return {
        placement: place === shared ? 'shared stream only' : 'product',
        load,
        ...ends(simulation),
        placed: simulation.placed / requests,
        moved: simulation.moved / requests,
        ...simulation.outcomes.window(WARM_UP_MS),
        spread: spreadOf(simulation.everyReader, simulation.nowMs),
      };
    }),
  );
}

function stepRun(size: Size): object {
  const rate = rateOf(size, STEP_LOAD);
  const simulation = new Simulation({ ...size, place: placeRequest, rate: () => rate });
  const steps = new SimulatedSteps(simulation, (windowMs) => (rate * windowMs) / 1_000 / size.requests);
  const tenth = Math.round(size.readers / 10);
  steps.plan(STEP_SHARE, `${tenth * 2} readers come`, () => simulation.add(tenth * 2));
  steps.plan(2 * STEP_SHARE, `${tenth} die at once`, () => simulation.kill(tenth));
  steps.plan(3 * STEP_SHARE, `${tenth * 3} drain`, () => simulation.drain(tenth * 3));
  simulation.run();
  return { ...ends(simulation), steps: steps.figures };
}

/** Share of their places' time in which readers were busy, from the least to the most busy of those that were there all the time. */
function spreadOf(readers: readonly SimulatedReader[], nowMs: number): object {
  const busy = readers
    .filter(({ bornMs, endedMs }) => bornMs === 0 && endedMs === null)
    .map(({ busyMs }) => busyMs / (nowMs * MODEL.places))
    .sort((a, b) => a - b);
  const at = (share: number): number =>
    busy[Math.min(busy.length - 1, Math.floor(busy.length * share))] ?? NaN;
  return { least: at(0), p5: at(0.05), median: at(0.5), p95: at(0.95), most: at(1) };
}

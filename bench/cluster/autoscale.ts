// Readers that come and go by what the gateways tell the autoscaler: waiting and running requests of the group. The rule is that of
// Kubernetes' HorizontalPodAutoscaler with its defaults; a new reader needs a minute to load its model.
import { placeRequest } from 'takeoff-server/gateway/remote/placement.js';
import { rateOf, type Size } from './size.js';
import { ends, Simulation } from './simulation.js';

/** As in the chart: requests of a reader. */
const TARGET = 10;
const LEAST_READERS = 0.1;
const LOADING_MS = 60_000;
/** Of the HorizontalPodAutoscaler. */
const LOOK_MS = 15_000;
const TOLERANCE = 0.1;
const CALM_MS = 300_000;

const MINUTE_MS = 60_000;
/** Load by minutes, as a share of what all readers together can do: a quiet start, a rush, and quiet again. */
const DAY: readonly (readonly [untilMinute: number, load: number])[] = [
  [3, 0.05],
  [9, 0.7],
  [18, 0.05],
];

export function autoscale(size: Size): object {
  const most = size.readers;
  const least = Math.max(1, Math.round(most * LEAST_READERS));
  const rate = (nowMs: number): number => {
    const [, load] = DAY.find(([until]) => nowMs < until * MINUTE_MS) ?? DAY.at(-1) ?? [0, 0];
    return rateOf(size, load);
  };
  const requests = DAY.reduce((sum, [until, load], index) => {
    const minutes = until - (DAY[index - 1]?.[0] ?? 0);
    return sum + Math.round((minutes * MINUTE_MS * rateOf(size, load)) / 1_000);
  }, 0);
  const simulation = new Simulation({ ...size, requests, readers: least, place: placeRequest, rate });
  const wishes: { readonly atMs: number; readonly wanted: number }[] = [];
  const course: { readonly minute: number; readonly readers: number; readonly demand: number }[] = [];
  let loading = 0;
  simulation.every(LOOK_MS, () => {
    const { nowMs, demand } = simulation;
    const readers = simulation.living.length;
    const now = readers + loading;
    const ratio = demand / TARGET / now;
    const plain = Math.abs(ratio - 1) <= TOLERANCE ? now : Math.ceil(demand / TARGET);
    wishes.push({ atMs: nowMs, wanted: Math.min(most, Math.max(least, plain)) });
    const wanted = Math.max(...wishes.flatMap((wish) => (nowMs - wish.atMs <= CALM_MS ? [wish.wanted] : [])));
    const latest = wishes.at(-1)?.wanted ?? now;
    if (latest > now) {
      const more = Math.min(latest, Math.max(2 * now, now + 4)) - now;
      loading += more;
      simulation.after(LOADING_MS, () => {
        loading -= more;
        simulation.add(more);
      });
    } else if (wanted < now) simulation.drain(now - wanted);
    if (nowMs % MINUTE_MS === 0) course.push({ minute: nowMs / MINUTE_MS, readers, demand });
  });
  simulation.run();
  const { outcomes } = simulation;
  const [[calm], [rush]] = [DAY[0] ?? [0], DAY[1] ?? [0]];
  return {
    target: TARGET,
    requests,
    ...ends(simulation),
    beforeRush: outcomes.window(0, calm * MINUTE_MS),
    rush: outcomes.window(calm * MINUTE_MS, rush * MINUTE_MS),
    lastMinuteOfRush: outcomes.window((rush - 1) * MINUTE_MS, rush * MINUTE_MS),
    course,
  };
}

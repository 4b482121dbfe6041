// Plays scenarios to servers by turns and gathers their figures.
import type { RunningServer } from '../../harness/running-server.js';
import type { Scenario } from './scenarios.js';
import type { ServerApi } from './server-api.js';
import { peakMiB, World, type Figure, type Target, type Trace } from './world.js';

export interface Plan {
  readonly runs: number;
  readonly seed: number;
  readonly newTokens: number;
}

/** Plays each run of a scenario to all targets before the next one, so that a machine that slows down slows down all. */
export async function playAll(
  scenarios: readonly Scenario[],
  targets: readonly Target[],
  { runs, seed, newTokens }: Plan,
): Promise<{ readonly measured: ReadonlyMap<string, readonly Figure[]>; readonly traces: readonly Trace[] }> {
  const measured = new Map<string, Figure[]>(targets.map(({ name }) => [name, []]));
  const traces: Trace[] = [];
  for (const target of targets) await warmUp(target);
  for (const [index, scenario] of scenarios.entries()) {
    for (let run = 0; run < runs; run += 1) {
      // The one that begins changes, since the second one finds files and memory warm.
      const order = run % 2 === 0 ? targets : targets.toReversed();
      for (const target of order) {
        process.stderr.write(`${scenario.name}, run ${run + 1} of ${runs}, ${target.name}\n`);
        const world = new World({
          target,
          scenario: scenario.name,
          seed: 1 + seed * 1_000_000 + index * 1000 + run,
          newTokens,
        });
        await scenario.run(world);
        measured.get(target.name)?.push(...world.figures);
        if (run === 0) traces.push(...world.traces);
      }
    }
  }
  for (const { name, pids } of targets)
    measured.get(name)?.push({
      scenario: 'all',
      name: 'peak memory of all processes',
      unit: 'MiB',
      value: peakMiB(pids()),
    });
  return { measured, traces };
}

/** The first image and the first text of a server's life take longer than all others. */
async function warmUp(target: Target): Promise<void> {
  const world = new World({ target, scenario: 'warm-up', seed: 7, newTokens: 1 });
  for (const image of [await world.newImage(), null])
    await world.ask({ image, text: world.newText('Hello.'), newTokens: 2 });
}

export const ownTarget = (server: RunningServer, api: ServerApi): Target => ({
  name: 'takeoff',
  url: server.url,
  api,
  metricsUrl: `${server.managementUrl}/metrics`,
  pids: () => server.processes().map(({ pid }) => pid),
});

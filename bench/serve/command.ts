// `npm run bench -- serve`: plays what many users do to a server, to ours and to another one in turns, and prints figures side by side.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot, RunningServer } from '../../harness/running-server.js';
import { reportHead } from '../report.js';
import { gapChart } from './gap-chart.js';
import { printServeTable, toRows, type ServeReport } from './report.js';
import { SCENARIOS, type Scenario } from './scenarios.js';
import { SERVER_APIS, type ServerApi } from './server-api.js';
import { peakMiB, World, type Figure, type Target, type Trace } from './world.js';

const HELP = `npm run bench -- serve [options]

  --only LIST          scenarios to play (default: those without a star)
  --model PATH         checkpoint folder or GGUF file of our own server (default: the demo model)
  --quant TYPE         type of its language model's weights (default: auto)
  --vision-quant TYPE  type of its vision tower's weights (default: auto)
  --repository PATH    its model cache; by default a conversion is kept nowhere
  --own-api NAME       how our own server is asked: takeoff, openai (default: takeoff)
  --server-arg ARG     another argument of our own server, such as --prefix-cache=false; may be repeated
  --url URL            another server, played to in turns with ours
  --api NAME           how it is asked: ${[...SERVER_APIS.keys()].join(', ')} (default: openai)
  --pid N              its process, for its memory
  --without-own        plays to the other server alone
  --runs N             runs of each scenario and server (default: 3)
  --tokens N           tokens of an answer (default: 64)
  --seed N             of images, texts and times (default: 1)
  --json FILE          writes the report as JSON
  --svg FILE           writes a chart of the gaps between tokens

Scenarios:
${SCENARIOS.map(({ name, about, isDefault }) => `  ${`${name}${isDefault ? '' : ' *'}`.padEnd(20)} ${about}`).join('\n')}
`;

export async function benchServe(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      model: { type: 'string', default: path.join(repositoryRoot(), 'models/demo/checkpoint') },
      quant: { type: 'string', default: 'auto' },
      'vision-quant': { type: 'string', default: 'auto' },
      repository: { type: 'string' },
      'own-api': { type: 'string', default: 'takeoff' },
      'server-arg': { type: 'string', multiple: true, default: [] },
      url: { type: 'string' },
      api: { type: 'string', default: 'openai' },
      pid: { type: 'string' },
      'without-own': { type: 'boolean', default: false },
      runs: { type: 'string', default: '3' },
      tokens: { type: 'string', default: '64' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      svg: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const scenarios = chosen(values.only);
  const other = values.url === undefined ? [] : [otherTarget(values.url, apiNamed(values.api), values.pid)];
  const { model, quant, repository, 'vision-quant': visionQuant } = values;
  const own = values['without-own']
    ? null
    : await RunningServer.start({
        args: [
          ...['--model', model, '--quant-type', quant, '--vision-quant-type', visionQuant],
          ...(repository === undefined ? [] : ['--repository-path', repository]),
          ...values['server-arg'],
        ],
      });
  try {
    const targets = [...(own === null ? [] : [ownTarget(own, apiNamed(values['own-api']))]), ...other];
    if (targets.length === 0) throw new TypeError('--without-own needs a server to play to: --url.');
    const plan = { runs: Number(values.runs), seed: Number(values.seed), newTokens: Number(values.tokens) };
    const { measured, traces } = await playAll(scenarios, targets, plan);
    const report: ServeReport = {
      ...reportHead(model, `${quant}, tower ${visionQuant}`),
      targets: targets.map(({ name }) => name),
      rows: toRows(measured),
      traces,
    };
    process.stdout.write(`${printServeTable(report)}\n`);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
    if (values.svg !== undefined) writeFileSync(values.svg, gapChart(traces));
  } finally {
    await own?.stop();
  }
}

function chosen(only: string | undefined): readonly Scenario[] {
  if (only === undefined) return SCENARIOS.filter(({ isDefault }) => isDefault);
  return only.split(',').map((name) => {
    const scenario = SCENARIOS.find((known) => known.name === name);
    if (scenario === undefined)
      throw new TypeError(
        `--only names ${name}; there are ${SCENARIOS.map((known) => known.name).join(', ')}.`,
      );
    return scenario;
  });
}

interface Plan {
  readonly runs: number;
  readonly seed: number;
  readonly newTokens: number;
}

/** Plays each run of a scenario to all targets before the next one, so that a machine that slows down slows down all. */
async function playAll(
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

const ownTarget = (server: RunningServer, api: ServerApi): Target => ({
  name: 'takeoff',
  url: server.url,
  api,
  metricsUrl: `${server.managementUrl}/metrics`,
  pids: () => server.processes().map(({ pid }) => pid),
});

const otherTarget = (url: string, api: ServerApi, pid: string | undefined): Target => ({
  name: `${api.name} at ${url}`,
  url: url.replace(/\/$/u, ''),
  api,
  pids: () => (pid === undefined ? [] : [Number(pid)]),
  metricsUrl: null,
});

function apiNamed(name: string): ServerApi {
  const api = SERVER_APIS.get(name);
  if (api === undefined)
    throw new TypeError(`--api is ${name}; allowed are ${[...SERVER_APIS.keys()].join(', ')}.`);
  return api;
}

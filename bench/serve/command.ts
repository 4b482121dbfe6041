// `npm run bench -- serve`: plays what many users do to a server, to ours and to another one in turns, and prints figures side by side.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot, RunningServer } from '../../harness/running-server.js';
import { OptionError, parseCount, parseName } from '../options.js';
import { reportHead } from '../report.js';
import { gapChart } from './gap-chart.js';
import { printServeTable, toRows, type ServeReport } from './report.js';
import { ownTarget, playAll } from './play.js';
import { chosenScenarios, SCENARIOS } from './scenarios.js';
import { API_NAMES, SERVER_APIS, type ServerApi } from './server-api.js';
import type { Target } from './world.js';

const HELP = `npm run bench -- serve [options]

  --only LIST          scenarios to play (default: those without a star)
  --model PATH         checkpoint folder or GGUF file of our own server (default: the demo model)
  --quant TYPE         type of its language model's weights (default: auto)
  --vision-quant TYPE  type of its vision tower's weights (default: auto)
  --repository PATH    its model cache; by default a conversion is kept nowhere
  --own-api NAME       how our own server is asked: takeoff, openai (default: takeoff)
  --server-arg ARG     another argument of our own server, such as --prefix-cache=false; may be repeated
  --url URL            another server, played to in turns with ours
  --api NAME           how it is asked: ${API_NAMES.join(', ')} (default: openai)
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
  const scenarios =
    values.only === undefined ? SCENARIOS.filter(({ isDefault }) => isDefault) : chosenScenarios(values.only);
  if (values['without-own'] && values.url === undefined)
    throw new OptionError('--without-own needs a server to play to: --url.');
  const other =
    values.url === undefined
      ? []
      : [otherTarget(values.url, SERVER_APIS[parseName('--api', values.api, API_NAMES)], values.pid)];
  const { model, quant, repository, 'vision-quant': visionQuant } = values;
  const plan = {
    runs: parseCount('--runs', values.runs),
    seed: parseCount('--seed', values.seed, 0),
    newTokens: parseCount('--tokens', values.tokens),
  };
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
    const targets = [
      ...(own === null
        ? []
        : [ownTarget(own, SERVER_APIS[parseName('--own-api', values['own-api'], API_NAMES)])]),
      ...other,
    ];
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

const otherTarget = (url: string, api: ServerApi, pid: string | undefined): Target => ({
  name: `${api.name} at ${url}`,
  url: url.replace(/\/$/u, ''),
  api,
  pids: () => (pid === undefined ? [] : [Number(pid)]),
  metricsUrl: null,
});

// `npm run bench -- link`: what readers behind Redis cost over readers that are children of the gateway, by turns in one run. Needs a
// redis-server.
import { setTimeout as delay } from 'node:timers/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Submission } from 'takeoff-server/gateway/answer/consumer-group.js';
import { GREEDY } from 'takeoff-server/link/requests/greedy.js';
import { repositoryRoot } from '../../harness/running-server.js';
import { parseCount } from '../options.js';
import { printTable, reportHead, type Measurement } from '../report.js';
import { spread } from '../statistics.js';
import { measureEvents } from './events.js';
import { ask, childSide, redisSide, type Side } from './sides.js';

const HELP = `npm run bench -- link [options]

  --model PATH       checkpoint folder or GGUF file of the real model (default: the demo model)
  --quant TYPE       type of its language model's weights (default: auto)
  --repository PATH  its model cache; by default a conversion is kept nowhere
  --runs N           requests of each kind and side (default: 20)
  --tokens N         tokens of an answer of the real model (default: 64)
  --steps N          steps of fifty answers, twenty a second (default: 100)
  --threads N        compute threads of each reader (default: one per core)
  --only LIST        of transport and model (default: both)
`;

/** Five tiles of 336 pixels, as so many of the engine without a model: 1,693,440 bytes. */
const TILES = 45;
const TILE_PX = 112;
const TOGETHER = 4;
/** By when gateways know what a reader holds. */
const LEASE_SEEN_MS = 2_500;

interface Numbers {
  readonly runs: number;
  readonly tokens: number;
  readonly steps: number;
}
type ByTurns = Record<Side['name'], number[]>;
interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly values: ByTurns;
  /** What cluster.md allows, as a sentence. */
  readonly aim: string;
}

export async function benchLink(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: 'string', default: path.join(repositoryRoot(), 'models/demo/checkpoint') },
      quant: { type: 'string', default: 'auto' },
      repository: { type: 'string' },
      runs: { type: 'string', default: '20' },
      tokens: { type: 'string', default: '64' },
      steps: { type: 'string', default: '100' },
      threads: { type: 'string', default: '0' },
      only: { type: 'string', default: 'transport,model' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const numbers = {
    runs: parseCount('--runs', values.runs),
    tokens: parseCount('--tokens', values.tokens),
    steps: parseCount('--steps', values.steps),
  };
  const real = new Map([
    ['model', values.model],
    ['quant-type', values.quant],
    ['threads', values.threads],
    ...(values.repository === undefined ? [] : ([['repository-path', values.repository]] as const)),
  ] as const);
  const only = values.only.split(',');
  const figures: Figure[] = [];
  if (only.includes('transport'))
    figures.push(...(await onBothSides(new Map([['echo', 'true']]), (sides) => transport(sides, numbers))));
  if (only.includes('model')) figures.push(...(await onBothSides(real, (sides) => answers(sides, numbers))));
  const measurements = figures.flatMap(({ name, unit, values }): Measurement[] =>
    (['child IPC', 'Redis'] as const).map((side) => ({
      name: `${name}, ${side}`,
      unit,
      value: spread(values[side]),
    })),
  );
  process.stdout.write(`${printTable({ ...reportHead(values.model, values.quant), measurements })}\n\n`);
  for (const { name, unit, values, aim } of figures) {
    const [child, redis] = [spread(values['child IPC']).median, spread(values.Redis).median];
    const more = `${(redis - child).toFixed(3)} ${unit} more`;
    process.stdout.write(`${name}: ${(redis / child).toFixed(3)} times, ${more} (aim: ${aim})\n`);
  }
}

async function onBothSides(
  flags: ReadonlyMap<string, string>,
  measure: (sides: readonly Side[]) => Promise<readonly Figure[]>,
): Promise<readonly Figure[]> {
  const sides: Side[] = [];
  try {
    sides.push(await childSide(flags));
    sides.push(await redisSide(flags));
    return await measure(sides);
  } finally {
    await Promise.all(sides.map((side) => side.stop()));
  }
}

/** Around an engine that answers at once. */
async function transport(sides: readonly Side[], { runs, steps }: Numbers): Promise<readonly Figure[]> {
  const [fresh, held, delays, cpu] = [byTurns(), byTurns(), byTurns(), byTurns()];
  await delay(LEASE_SEEN_MS);
  for (let run = 0; run <= runs; run += 1) {
    for (const { name, group } of sides) {
      const { firstMs } = await ask(group, question(`${name} ${run}`, 1, tiles(run)));
      if (run > 0) fresh[name].push(firstMs);
    }
  }
  await delay(LEASE_SEEN_MS);
  for (let run = 0; run < runs; run += 1) {
    for (const { name, group } of sides) {
      const again = tiles(name === 'Redis' ? runs : runs + 1 + run);
      held[name].push((await ask(group, question(`${name} again ${run}`, 1, again))).firstMs);
    }
  }
  for (let turn = 0; turn < 3; turn += 1) {
    for (const { name, url } of sides) {
      const { delaysMs, cpuMs } = await measureEvents(url, steps);
      delays[name].push(spread(delaysMs).median);
      cpu[name].push(cpuMs);
    }
  }
  return [
    { name: 'first token, five tiles', unit: 'ms', values: fresh, aim: 'at most 6 ms more' },
    {
      name: 'first token, five tiles that the reader holds',
      unit: 'ms',
      values: held,
      aim: 'at most 0.6 times child IPC with tiles',
    },
    { name: 'delay of a token, 1,000 a second', unit: 'ms', values: delays, aim: 'at most 2.5 times' },
    { name: 'CPU of a token, gateway and reader', unit: 'ms', values: cpu, aim: 'at most 2 times' },
  ];
}

/** Of a real model. */
async function answers(sides: readonly Side[], { runs, tokens }: Numbers): Promise<readonly Figure[]> {
  const [first, rate] = [byTurns(), byTurns()];
  for (let run = 0; run <= runs; run += 1) {
    for (const { name, group } of sides) {
      const start = performance.now();
      const together = Array.from({ length: TOGETHER }, (_, index) =>
        question(`${name} ${run} ${index}`, tokens, null),
      );
      await Promise.all(together.map((submission) => ask(group, submission)));
      const perSecond = (TOGETHER * tokens * 1_000) / (performance.now() - start);
      const alone = await ask(group, question(`${name} ${run} alone`, 2, null));
      if (run === 0) continue;
      rate[name].push(perSecond);
      first[name].push(alone.firstMs);
    }
  }
  return [
    { name: 'first token, real model', unit: 'ms', values: first, aim: 'at most 6 ms more and 1.02 times' },
    {
      name: `tokens a second, ${TOGETHER} answers of a real model`,
      unit: 'tokens/s',
      values: rate,
      aim: 'at least 0.98 times',
    },
  ];
}

const byTurns = (): ByTurns => ({ 'child IPC': [], Redis: [] });

function tiles(number: number): Uint8Array {
  const bytes = new Uint8Array(TILES * TILE_PX * TILE_PX * 3);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function question(requestId: string, newTokens: number, image: Uint8Array | null): Submission {
  const text = { kind: 'text', text: `USER: ${requestId}: tell me of circles.\nASSISTANT:` } as const;
  const part = { kind: 'image', image: 0 } as const;
  const images =
    image === null
      ? []
      : [{ sha256: requestId, widthPx: TILE_PX, heightPx: TILE_PX, sidePx: TILE_PX, tiles: image }];
  return {
    preparedFor: null,
    message: {
      kind: 'generate',
      requestId,
      prompts: [{ kind: 'raw', parts: image === null ? [text] : [part, text] }],
      images,
      promptMaxTokens: null,
      imageTokenBudget: null,
      cacheSalt: null,
      loraId: null,
      sampling: { ...GREEDY, maxNewTokens: newTokens, minNewTokens: newTokens },
      constraint: null,
    },
  };
}

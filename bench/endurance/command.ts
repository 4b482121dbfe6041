// `npm run bench -- endurance`: clients of every kind for half an hour, whose server loses its reader every two minutes. Fails where a
// request was lost or anything is left of one.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { repositoryRoot, RunningServer } from '../../harness/running-server.js';
import { parseCount, parseNumber } from '../options.js';
import { reportHead } from '../report.js';
import { spread } from '../statistics.js';
import { idleCounts, isAllowed, memoryOf, settled, type Held, type MemoryMiB } from './leftovers.js';
import { OUTCOMES, type Ended, type Outcome } from './outcome.js';
import { runClient } from './traffic.js';

const HELP = `npm run bench -- endurance [options]

  --minutes N        how long clients ask (default: 30)
  --clients N        at once, each one request after the other (default: 8)
  --pause-ms N       longest pause of a client between two requests (default: 0)
  --kill-every S     seconds between two kills of the reader; 0 for none (default: 120)
  --model PATH       checkpoint folder or GGUF file (default: the demo model)
  --repository PATH  its model cache (default: the server's)
  --server-arg ARG   another argument of the server; may be repeated
  --seed N           of everything random (default: 1)
  --json FILE        writes the report as JSON

Prints how requests ended, by kind, the memory of every process, and what the server still holds afterwards. Ends with 1 where a
request was lost (no answer, refusal or error of the table) or more is held than by a server that nobody asks. Linux.
`;

/** Of each client, before anything is counted. */
const REQUESTS_BEFORE = 4;
const SAMPLES = 40;
const MINUTE_MS = 60_000;
/** Memory is compared between the second and the last quarter: in the first, caches fill. */
const QUARTERS = 4;

interface Sample {
  readonly minute: number;
  readonly memory: MemoryMiB;
}

/** What clients saw, by kind of request. */
class Outcomes {
  readonly byKind = new Map<string, Record<Outcome, number>>();
  /** How often each code or surprise was seen. */
  readonly details = new Map<string, number>();

  readonly note = (kind: string, { outcome, detail }: Ended): void => {
    const counts = this.byKind.get(kind) ?? { answered: 0, refused: 0, failed: 0, cancelled: 0, lost: 0 };
    counts[outcome] += 1;
    this.byKind.set(kind, counts);
    if (outcome === 'answered' || outcome === 'cancelled') return;
    const key = `${outcome}: ${detail}`;
    this.details.set(key, (this.details.get(key) ?? 0) + 1);
  };

  count(outcome: Outcome): number {
    return [...this.byKind.values()].reduce((sum, counts) => sum + counts[outcome], 0);
  }
}

export async function benchEndurance(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '30' },
      clients: { type: 'string', default: '8' },
      'pause-ms': { type: 'string', default: '0' },
      'kill-every': { type: 'string', default: '120' },
      model: { type: 'string', default: path.join(repositoryRoot(), 'models/demo/checkpoint') },
      repository: { type: 'string' },
      'server-arg': { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const repository = values.repository === undefined ? [] : ['--repository-path', values.repository];
  const server = await RunningServer.start({
    args: ['--model', values.model, ...repository, ...values['server-arg']],
  });
  try {
    const run = await runAll(server, {
      durationMs: parseNumber('--minutes', values.minutes) * MINUTE_MS,
      clients: parseCount('--clients', values.clients),
      longestPauseMs: parseNumber('--pause-ms', values['pause-ms']),
      killEveryMs: parseNumber('--kill-every', values['kill-every']) * 1000,
      seed: parseCount('--seed', values.seed, 0),
    });
    print(run);
    if (values.json !== undefined) {
      const report = {
        ...reportHead(values.model, 'auto'),
        kills: run.kills,
        outcomes: Object.fromEntries(run.outcomes.byKind),
        details: Object.fromEntries(run.outcomes.details),
        memory: run.samples,
        held: run.held,
      };
      writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    if (run.outcomes.count('lost') > 0 || !run.held.every(isAllowed)) process.exitCode = 1;
  } finally {
    await server.stop();
  }
}

interface RunOptions {
  readonly durationMs: number;
  readonly clients: number;
  readonly longestPauseMs: number;
  readonly killEveryMs: number;
  readonly seed: number;
}

interface Run {
  readonly outcomes: Outcomes;
  readonly kills: number;
  readonly samples: readonly Sample[];
  readonly held: readonly Held[];
}

async function runAll(server: RunningServer, options: RunOptions): Promise<Run> {
  const { durationMs, clients, longestPauseMs, killEveryMs, seed } = options;
  const outcomes = new Outcomes();
  const ask = (isOver: (asked: number) => boolean): Promise<unknown> =>
    Promise.all(
      Array.from({ length: clients }, (_, index) =>
        runClient({ seed: seed * 1000 + index, addresses: server, longestPauseMs, isOver }, outcomes.note),
      ),
    );
  // Everything that is made once, such as decoders and connections, is there before what is idle is counted.
  await ask((asked) => asked >= REQUESTS_BEFORE);
  const idle = await idleCounts(server);

  const startMs = performance.now();
  const ranMs = (): number => performance.now() - startMs;
  const asking = ask(() => ranMs() > durationMs);
  const samples: Sample[] = [];
  let kills = 0;
  while (ranMs() < durationMs) {
    await delay(Math.min(durationMs / SAMPLES, Math.max(1, durationMs - ranMs())));
    samples.push({ minute: ranMs() / MINUTE_MS, memory: memoryOf(server) });
    const isLate = ranMs() > durationMs - killEveryMs / 2;
    if (killEveryMs > 0 && !isLate && ranMs() > (kills + 1) * killEveryMs && killReader(server)) kills += 1;
  }
  await asking;
  return { outcomes, kills, samples, held: await settled(server, idle, clients) };
}

/** False where there is none at this moment. */
function killReader(server: RunningServer): boolean {
  const reader = server.processes().find(({ name }) => name === 'reader');
  if (reader === undefined) return false;
  process.kill(reader.pid, 'SIGKILL');
  return true;
}

function print({ outcomes, kills, samples, held }: Run): void {
  const lines = [
    `${kills} readers killed`,
    '',
    ['kind'.padEnd(14), ...OUTCOMES.map((name) => name.padStart(10))].join(''),
  ];
  for (const [kind, counts] of outcomes.byKind)
    lines.push([kind.padEnd(14), ...OUTCOMES.map((name) => String(counts[name]).padStart(10))].join(''));
  lines.push('');
  for (const [detail, count] of outcomes.details) lines.push(`${String(count).padStart(8)} ${detail}`);
  lines.push('', 'resident memory in MiB, medians: second quarter, last quarter, ratio');
  for (const name of ['gateway', 'reader', 'decoder'] as const) {
    const [second, last] = [1, QUARTERS - 1].map((quarter) => quarterMedian(samples, quarter, name));
    lines.push(
      `${name.padEnd(14)}${[second, last].map((mib = NaN) => mib.toFixed(0).padStart(8)).join('')}${((last ?? NaN) / (second ?? NaN)).toFixed(3).padStart(8)}`,
    );
  }
  lines.push('', 'held afterwards, and how much a server that nobody asks may hold');
  for (const entry of held)
    lines.push(
      `${entry.name.padEnd(28)}${String(entry.count).padStart(12)}${String(entry.allowed).padStart(12)}${isAllowed(entry) ? '' : '   LEFT'}`,
    );
  process.stdout.write(`${lines.join('\n')}\n`);
}

function quarterMedian(samples: readonly Sample[], quarter: number, name: keyof MemoryMiB): number {
  const length = samples.length / QUARTERS;
  const values = samples
    .slice(Math.floor(quarter * length), Math.floor((quarter + 1) * length))
    .map(({ memory }) => memory[name]);
  return spread(values).median;
}

// `npm run bench -- overhead`: what a request costs around a model that answers at once. With `--url`, another server answers in turns
// with this one, since machines differ from minute to minute by more than most changes do.
import { parseArgs } from 'node:util';
import { RunningServer } from '../../harness/running-server.js';
import { parseCount, parseNames, parseNumber } from '../options.js';
import { alignColumns, format, printTable, reportHead } from '../report.js';
import { spread } from '../statistics.js';
import { runLoad, type LoadResult } from './load.js';

const HELP = `npm run bench -- overhead [options]

  --connections LIST  clients at the same time, each of which asks again when it has its answer (default: 1,16,64)
  --seconds S         of each measurement (default: 3)
  --rounds N          measurements of each kind and side (default: 5)
  --only LIST         of one-token, 64-tokens and 64-streamed (default: all)
  --url URL           another server with an echo for a model (TAKEOFF_ECHO=true), which takes turns with this one
`;

const KINDS = {
  'one-token': { path: '/generate', body: bodyOf('h', 1) },
  '64-tokens': { path: '/generate', body: bodyOf('x'.repeat(64), 64) },
  '64-streamed': { path: '/generate_stream', body: bodyOf('x'.repeat(64), 64) },
} as const;
type Kind = keyof typeof KINDS;
const KIND_NAMES = Object.keys(KINDS) as Kind[];

interface Side {
  readonly name: 'this' | 'other';
  readonly url: string;
}

interface Row {
  readonly kind: Kind;
  readonly connections: number;
  readonly side: Side;
  readonly rounds: LoadResult[];
}

function bodyOf(text: string, tokens: number): string {
  return JSON.stringify({ text, max_new_tokens: tokens });
}

export async function benchOverhead(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      connections: { type: 'string', default: '1,16,64' },
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '5' },
      only: { type: 'string', default: KIND_NAMES.join(',') },
      url: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const kinds = parseNames('--only', values.only, KIND_NAMES);
  const connections = values.connections.split(',').map((count) => parseCount('--connections', count));
  const seconds = parseNumber('--seconds', values.seconds, 0.1);
  const rounds = parseCount('--rounds', values.rounds);
  const server = await RunningServer.startOne({ env: { TAKEOFF_ECHO: 'true' } });
  try {
    const sides: Side[] = [{ name: 'this', url: server.url }];
    if (values.url !== undefined) sides.push({ name: 'other', url: values.url });
    const rows = kinds.flatMap((kind) =>
      connections.flatMap((count) =>
        sides.map((side): Row => ({ kind, connections: count, side, rounds: [] })),
      ),
    );
    // The first round warms up.
    for (let round = 0; round <= rounds; round += 1)
      for (const row of rows) {
        const load = { ...KINDS[row.kind], connections: row.connections, seconds };
        const result = await runLoad(row.side.url, load);
        if (round > 0) row.rounds.push(result);
      }
    process.stdout.write(`${printTable({ ...reportHead('echo', 'no weights'), measurements: [] })}\n`);
    process.stdout.write(`${tableOf(rows)}\n`);
  } finally {
    await server.stop();
  }
}

/** Medians of the rounds; with two sides, how this one compares with the other in each round. */
function tableOf(rows: readonly Row[]): string {
  const head = ['answer', 'connections', 'side', 'answers/s', 'p50', 'p99', 'this by other'];
  const lines = rows.map((row) => {
    const other = rows.find(
      (one) => one !== row && one.kind === row.kind && one.connections === row.connections,
    );
    const ratios = row.rounds.map(
      ({ answersPerSecond }, index) => answersPerSecond / (other?.rounds[index]?.answersPerSecond ?? NaN),
    );
    return [
      row.kind,
      String(row.connections),
      row.side.name,
      format(spread(row.rounds.map(({ answersPerSecond }) => answersPerSecond)).median),
      `${format(quantile(row, 0.5))} ms`,
      `${format(quantile(row, 0.99))} ms`,
      row.side.name === 'this' && other !== undefined ? format(spread(ratios).median) : '',
    ];
  });
  return alignColumns([head, ...lines]).join('\n');
}

const quantile = ({ rounds }: Row, part: number): number =>
  spread(rounds.map(({ answerMs }) => answerMs[Math.floor(answerMs.length * part)] ?? NaN)).median;

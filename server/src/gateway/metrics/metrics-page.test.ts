// docs/observability.md and the Grafana dashboard are written for people, but what they name must be what the server tells.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { NOTHING_COUNTED } from '../../link/lifecycle/reader-counts.js';
import { doneOf, tokenOf } from '../answer/message.fixture.js';
import { RequestRecord } from '../answer/request-record.js';
import { createMetrics } from './metrics.js';

interface Told {
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** Labels that histograms and summaries add by themselves. */
const OWN_LABELS: readonly string[] = ['le', 'quantile'];
/** What prom-client tells of the process; its documentation has the names. */
const isOfProcess = (name: string): boolean => /^(?:process|nodejs)_/u.test(name);

/** Everything that a server tells that has met every kind of event. */
async function allMetrics(): Promise<string> {
  const metrics = createMetrics();
  metrics.countRequest({
    method: 'GET',
    route: '/',
    status: 404,
    durationMs: 1,
    errorCode: 'request.not_found',
  });
  metrics.countFetch({ result: 'fetched', byteCount: 1, durationMs: 1 });
  const record = new RequestRecord(performance.now());
  record.hear(tokenOf('a'));
  record.hear(doneOf());
  metrics.countAnswer({ consumerGroup: 'primary', promptCount: 1, record, failureCode: null });
  metrics.watch({
    readers: () => [
      {
        readerId: 'reader1',
        consumerGroups: ['primary'],
        state: { kind: 'starting' },
        restarts: 0,
        counts: NOTHING_COUNTED,
      },
    ],
    links: () => [
      {
        consumerGroup: 'primary',
        queued: 0,
        oldestWaitMs: 0,
        placed: 0,
        shared: 0,
        resubmitted: 0,
        gaps: 0,
        unknownRuns: 0,
        badMessages: 0,
      },
    ],
    openAnswers: () => 0,
    decoders: () => ({ running: 0, waiting: 0 }),
  });
  return metrics.print();
}

function parseMetrics(text: string): Map<string, Told> {
  const told = new Map<string, Told>();
  for (const block of text.split('\n\n')) {
    const [, name = '', help = ''] = /^# HELP (\S+) (.*)$/mu.exec(block) ?? [];
    const [, type = ''] = /^# TYPE \S+ (\S+)$/mu.exec(block) ?? [];
    const labels = [...block.matchAll(/[{,]([a-z_]+)="/gu)].map(([, label = '']) => label);
    told.set(name, {
      type,
      labels: [...new Set(labels)].filter((label) => !OWN_LABELS.includes(label)),
      help,
    });
  }
  return told;
}

const unitOf = (name: string): string => {
  if (/_seconds$|^time_to_first_token$/u.test(name)) return 'seconds';
  if (/_bytes(?:_total)?$/u.test(name)) return 'bytes';
  return '–';
};

const read = (path: string): string => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');

const told = parseMetrics(await allMetrics());
const own = [...told].filter(([name]) => !isOfProcess(name));

describe('docs/observability.md', () => {
  it('has a row for each metric of the server, and no other', () => {
    const section = read('docs/observability.md').split('\n## Metrics\n')[1] ?? '';
    const rows = section
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.replaceAll(/ +/gu, ' '));
    const shown = own.map(([name, { type, labels, help }]) => {
      const names =
        labels.length === 0
          ? '–'
          : [...labels]
              .toSorted()
              .map((label) => `\`${label}\``)
              .join(', ');
      return `| \`${name}\` | ${type} | ${unitOf(name)} | ${names} | ${help} |`;
    });
    expect(rows.toSorted()).toEqual(shown.toSorted());
  });
});

const DERIVED = /_(?:bucket|sum|count)$/u;
const NOT_METRICS = /^(?:sum|by|rate|increase|max|histogram_quantile|instance)$/u;

describe('deploy/grafana/takeoff.json', () => {
  const dashboard = JSON.parse(read('deploy/grafana/takeoff.json')) as {
    panels: { title: string; targets?: { expr: string }[] }[];
    templating: { list: { definition?: string }[] };
  };
  const exprs = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => [title, expr] as const),
  );

  it.each(exprs)('asks in %s only for metrics and labels that the server tells: %s', (_, expr) => {
    const labelNames = [...expr.matchAll(/(?:by \(|[{,] ?)([a-z_]+)(?==|!|\)|,)/gu)].map(
      ([, name = '']) => name,
    );
    const names = [
      ...expr.replaceAll(/\{[^}]*\}|"[^"]*"|by \([^)]*\)|\[[^\]]*\]/gu, '').matchAll(/[a-z][a-z0-9_]*/gu),
    ]
      .map(([name]) => name)
      .filter((name) => !NOT_METRICS.test(name));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const metric = told.get(name) ?? told.get(name.replace(DERIVED, ''));
      expect(metric, name).toBeDefined();
      const known = [...(metric?.labels ?? []), ...OWN_LABELS, 'instance'];
      expect(known).toEqual(expect.arrayContaining(labelNames));
    }
  });

  it('shows every metric of the server', () => {
    const all = exprs.map(([, expr]) => expr).join('\n');
    const missing = own.map(([name]) => name).filter((name) => !all.includes(name));
    expect(missing).toEqual([]);
  });
});

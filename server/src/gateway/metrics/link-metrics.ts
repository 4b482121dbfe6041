// What a gateway counts of its way to readers on other machines, as metrics. Without such readers there are no values.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { LinkCounts } from '../readers/readers-view.js';

interface Reading {
  readonly kind: 'gauge' | 'counter';
  readonly name: string;
  readonly help: string;
  readonly value: (counts: LinkCounts) => number;
}

const MS = 0.001;

const READINGS: readonly Reading[] = [
  {
    kind: 'gauge',
    name: 'takeoff_queue_waiting',
    help: 'Requests of all gateways that wait in Redis for a reader.',
    value: ({ queued }) => queued,
  },
  {
    kind: 'gauge',
    name: 'takeoff_queue_oldest_seconds',
    help: 'How long the oldest request of this gateway has waited in Redis.',
    value: ({ oldestWaitMs }) => oldestWaitMs * MS,
  },
  {
    kind: 'counter',
    name: 'takeoff_resubmitted_total',
    help: 'Requests that were put into Redis again, because it lost them or a reader gave them back.',
    value: ({ resubmitted }) => resubmitted,
  },
  {
    kind: 'counter',
    name: 'takeoff_runs_refused_total',
    help: 'Runs of readers that nobody waited for.',
    value: ({ unknownRuns }) => unknownRuns,
  },
  {
    kind: 'counter',
    name: 'takeoff_event_gaps_total',
    help: 'Times that a reader was asked to tell events of an answer again, because they were lost between it and the gateway.',
    value: ({ gaps }) => gaps,
  },
  {
    kind: 'counter',
    name: 'takeoff_bad_messages_total',
    help: 'Messages of readers that could not be understood.',
    value: ({ badMessages }) => badMessages,
  },
];

export function addLinkMetrics(registry: Registry, links: () => readonly LinkCounts[]): void {
  for (const { kind, name, help, value } of READINGS) {
    const facts = { name, help, labelNames: ['consumer_group'], registers: [registry] };
    const all = () => links().map((counts) => [counts.consumerGroup, value(counts)] as const);
    if (kind === 'gauge') {
      new Gauge({
        ...facts,
        collect() {
          this.reset();
          for (const [group, read] of all()) this.set({ consumer_group: group }, read);
        },
      });
    } else {
      new Counter({
        ...facts,
        collect() {
          this.reset();
          for (const [group, read] of all()) this.inc({ consumer_group: group }, read);
        },
      });
    }
  }
  new Counter({
    name: 'takeoff_affinity_total',
    help: 'Requests with images by whether they went to a reader that has the images.',
    labelNames: ['consumer_group', 'result'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { consumerGroup, placed, shared } of links()) {
        this.inc({ consumer_group: consumerGroup, result: 'hit' }, placed);
        this.inc({ consumer_group: consumerGroup, result: 'miss' }, shared);
      }
    },
  });
}

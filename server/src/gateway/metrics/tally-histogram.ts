// A histogram whose measurements were sorted into buckets elsewhere: in a reader, or while nobody reads. prom-client's own can only be
// given one value at a time, and looks at its labels each time.
import { Histogram, type HistogramConfiguration } from 'prom-client';
import type { Tally } from '../../link/lifecycle/reader-counts.js';

type Labels<Name extends string> = Readonly<Record<Name, string>>;

export interface LabelledTally<Name extends string> {
  readonly labels: Labels<Name>;
  readonly tally: Tally;
}

export interface TallyHistogramOptions<Name extends string> extends Pick<
  HistogramConfiguration<Name>,
  'name' | 'help' | 'registers'
> {
  readonly labelNames: readonly Name[];
  /** Upper bounds of the buckets, in the unit of the tallies. */
  readonly bounds: readonly number[];
  /** Of the unit of the tallies in that of the metric, such as 0.001 for milliseconds in seconds; 1 where it is the same. */
  readonly scale?: number;
  readonly read: () => readonly LabelledTally<Name>[];
}

export class TallyHistogram<Name extends string> extends Histogram<Name> {
  readonly #options: TallyHistogramOptions<Name>;

  constructor(options: TallyHistogramOptions<Name>) {
    const { name, help, labelNames, registers = [] } = options;
    super({ name, help, labelNames: [...labelNames], registers });
    this.#options = options;
  }

  /** What prom-client asks a histogram for, both to print it and for `get`; its types do not tell. */
  getForPromString(): Promise<object> {
    const { name, help, read } = this.#options;
    const values = read().flatMap((one) => this.#valuesOf(one));
    return Promise.resolve({ name, help, type: 'histogram', values, aggregator: 'sum' });
  }

  #valuesOf({ labels, tally }: LabelledTally<Name>): object[] {
    const { name, bounds, scale = 1 } = this.#options;
    let total = 0;
    const buckets = [...bounds, Infinity].map((bound, index) => {
      total += tally.counts[index] ?? 0;
      const le = bound === Infinity ? '+Inf' : String(Number((bound * scale).toPrecision(6)));
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: tally.sum * scale },
      { metricName: `${name}_count`, labels, value: total },
    ];
  }
}

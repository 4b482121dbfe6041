// What KEDA is told: the requests of a consumer group that wait or run, and how many of them a replica is for. The metadata of a trigger
// say which group it is about; who wrote them reads the messages of refusals in the log of KEDA.
import { InputError } from '../../errors.js';
import { isKeyName } from '../../link/redis/keys.js';

/** Requests that wait or run. @throws RedisUnreachable, RedisRefusal */
export type Demand = (consumerGroup: string) => Promise<number>;

export interface ScalerTrigger {
  readonly consumerGroup: string;
  /** Requests of a replica. */
  readonly target: number;
}

const DEFAULT_TARGET = 10;
const MAX_TARGET = 1_000_000;

/** @throws InputError for metadata that name no group, or a target that is none */
export function parseTrigger(metadata: Readonly<Record<string, string>>): ScalerTrigger {
  const { consumerGroup, target = String(DEFAULT_TARGET) } = metadata;
  if (consumerGroup === undefined || !isKeyName(consumerGroup)) {
    throw new InputError(
      'request.out_of_range',
      `consumerGroup in the metadata of the trigger is ${shown(consumerGroup)}; allowed is the name of a consumer group, 1 to 128 letters, digits, dots, underscores and hyphens.`,
    );
  }
  const amount = /^\d+(?:\.\d+)?$/u.test(target) ? Number(target) : NaN;
  if (!(amount > 0 && amount <= MAX_TARGET)) {
    throw new InputError(
      'request.out_of_range',
      `target in the metadata of the trigger is ${shown(target)}; allowed are numbers above 0 up to ${MAX_TARGET}: requests of a replica.`,
    );
  }
  return { consumerGroup, target: amount };
}

const shown = (value: string | undefined): string =>
  value === undefined ? 'missing' : JSON.stringify(value.slice(0, 100));

export const metricSpecs = ({ consumerGroup, target }: ScalerTrigger) => ({
  metricSpecs: [
    { metricName: metricName(consumerGroup), targetSize: Math.ceil(target), targetSizeFloat: target },
  ],
});

export const metricValues = (name: string, demand: number) => ({
  metricValues: [{ metricName: name, metricValue: demand, metricValueFloat: demand }],
});

const metricName = (consumerGroup: string): string => `target_${consumerGroup}`;

import { describe, expect, it } from 'vitest';
import { InputError } from '../../errors.js';
import { metricSpecs, metricValues, parseTrigger } from './scaler-answers.js';

describe('the metadata of a trigger', () => {
  it('name a consumer group and the requests of a replica, ten where they say nothing', () => {
    expect(parseTrigger({ consumerGroup: 'primary' })).toEqual({ consumerGroup: 'primary', target: 10 });
    expect(parseTrigger({ consumerGroup: 'a.b-c_D', target: '2.5', scalerAddress: 'x:3005' })).toEqual({
      consumerGroup: 'a.b-c_D',
      target: 2.5,
    });
  });

  it.each([
    [{}, 'consumerGroup in the metadata of the trigger is missing'],
    [{ consumerGroup: '' }, 'is ""; allowed is the name of a consumer group'],
    [{ consumerGroup: 'a}:b' }, 'is "a}:b"'],
    [
      { consumerGroup: 'a', target: '0' },
      'target in the metadata of the trigger is "0"; allowed are numbers above 0',
    ],
    [{ consumerGroup: 'a', target: '-1' }, 'is "-1"'],
    [{ consumerGroup: 'a', target: 'ten' }, 'is "ten"'],
    [{ consumerGroup: 'a', target: '1e999' }, 'is "1e999"'],
    [{ consumerGroup: 'a', target: '1000001' }, 'up to 1000000'],
  ])('are refused as %j', (metadata: Record<string, string>, message) => {
    expect(() => parseTrigger(metadata)).toThrow(InputError);
    expect(() => parseTrigger(metadata)).toThrow(message);
  });
});

describe('what KEDA is told', () => {
  it('is the target of the group, as a whole number for versions that read no other', () => {
    expect(metricSpecs({ consumerGroup: 'primary', target: 2.5 })).toEqual({
      metricSpecs: [{ metricName: 'target_primary', targetSize: 3, targetSizeFloat: 2.5 }],
    });
  });

  it('is the demand under the name that was asked for', () => {
    expect(metricValues('target_primary', 7)).toEqual({
      metricValues: [{ metricName: 'target_primary', metricValue: 7, metricValueFloat: 7 }],
    });
  });
});

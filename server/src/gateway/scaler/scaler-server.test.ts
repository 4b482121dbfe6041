import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigError, Defect } from '../../errors.js';
import { RedisUnreachable } from '../../link/redis/redis-connection.js';
import { ScalerClient, scaledObject } from './scaler-client.fixture.js';
import { openScaler, type RunningScaler } from './scaler-server.js';

const PRIMARY = scaledObject({ consumerGroup: 'primary', target: '4' });

describe('the external scaler', () => {
  let scaler: RunningScaler;
  let client: ScalerClient;
  /** By group; an error is thrown. */
  let demands: Map<string, number | Error>;
  let warnings: string[];

  beforeEach(async () => {
    demands = new Map();
    warnings = [];
    scaler = await openScaler({
      host: '127.0.0.1',
      port: 0,
      demand: async (group) => {
        const demand = demands.get(group) ?? 0;
        if (demand instanceof Error) throw demand;
        return demand;
      },
      onWarning: (message) => warnings.push(message),
    });
    client = new ScalerClient(scaler.port);
  });
  afterEach(() => {
    client.close();
    scaler.close();
  });

  it('says what a replica is for', async () => {
    expect(await client.ask('GetMetricSpec', PRIMARY)).toEqual({
      metricSpecs: [{ metricName: 'target_primary', targetSize: 4, targetSizeFloat: 4 }],
    });
  });

  it('says how many requests wait and run, and whether there are any', async () => {
    const request = { scaledObjectRef: PRIMARY, metricName: 'target_primary' };
    for (const demand of [0, 37]) {
      demands.set('primary', demand);
      expect(await client.ask('GetMetrics', request)).toEqual({
        metricValues: [{ metricName: 'target_primary', metricValue: demand, metricValueFloat: demand }],
      });
      expect(await client.ask('IsActive', PRIMARY)).toEqual({ result: demand > 0 });
    }
  });

  it('refuses metadata that name no group, with what is allowed', async () => {
    for (const method of ['IsActive', 'GetMetricSpec'] as const)
      expect(await client.ask(method, scaledObject({}))).toEqual({
        code: status.INVALID_ARGUMENT,
        details: expect.stringContaining('consumerGroup in the metadata of the trigger is missing') as string,
      });
    expect(await client.ask('GetMetrics', { metricName: 'm' })).toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
    const stream = client.listen('StreamIsActive', scaledObject({ consumerGroup: '{' }));
    const [error] = (await once(stream, 'error')) as [{ code: number }];
    expect(error.code).toBe(status.INVALID_ARGUMENT);
  });

  it('says that it does not know rather than that nothing waits', async () => {
    demands.set('primary', new RedisUnreachable('there is no connection'));
    const request = { scaledObjectRef: PRIMARY, metricName: 'target_primary' };
    expect(await client.ask('GetMetrics', request)).toEqual({
      code: status.UNAVAILABLE,
      details: 'The queue between gateway and readers cannot be reached: there is no connection.',
    });
    expect(warnings).toEqual([]);
  });

  it('keeps the reason of a failure of its own to the log', async () => {
    demands.set('primary', new Defect('something secret'));
    expect(await client.ask('IsActive', PRIMARY)).toEqual({
      code: status.INTERNAL,
      details: 'The gateway failed; its log has the details.',
    });
    expect(warnings).toEqual(['an answer to the autoscaler failed: something secret']);
  });

  it('tells a stream at once whether the group is active, and whenever that changes, and nothing while Redis is away', async () => {
    const told: unknown[] = [];
    const stream = client.listen('StreamIsActive', PRIMARY).on('data', (event) => told.push(event));
    stream.on('error', () => undefined);
    await once(stream, 'data');
    expect(told).toEqual([{ result: false }]);
    demands.set('primary', new RedisUnreachable('there is no connection'));
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    demands.set('primary', 3);
    await once(stream, 'data');
    demands.set('primary', 0);
    await once(stream, 'data');
    expect(told).toEqual([{ result: false }, { result: true }, { result: false }]);
    stream.cancel();
  });

  it('leaves it to older ways to learn of other targets', async () => {
    const stream = client.listen('StreamMetricSpec', PRIMARY);
    const [error] = (await once(stream, 'error')) as [{ code: number }];
    expect(error.code).toBe(status.UNIMPLEMENTED);
  });

  it('refuses a message that is larger than any object', async () => {
    const large = scaledObject({ consumerGroup: 'primary', padding: 'x'.repeat(100_000) });
    expect(await client.ask('IsActive', large)).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it('says which setting to change where its port is taken', async () => {
    const second = openScaler({
      host: '127.0.0.1',
      port: scaler.port,
      demand: async () => 0,
      onWarning: () => undefined,
    });
    await expect(second).rejects.toThrow(ConfigError);
    await expect(second).rejects.toThrow(`internal_port is ${scaler.port} on host 127.0.0.1`);
  });
});

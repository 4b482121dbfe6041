import { expect, it } from 'vitest';
import { Registry } from 'prom-client';
import { doneOf, tokenOf } from '../answer/message.fixture.js';
import { RequestRecord } from '../answer/request-record.js';
import { addRequestMetrics } from './request-metrics.js';

function setUp() {
  const registry = new Registry();
  const count = addRequestMetrics(registry);
  const countRequest = (consumerGroup: string, promptCount: number): void => {
    const record = new RequestRecord(0, { clock: () => 300 });
    record.hear(tokenOf('a'));
    record.hear(doneOf());
    count({ consumerGroup, promptCount, record, failureCode: null });
  };
  return { registry, countRequest };
}

it('addRequestMetrics tells the requests of each group apart, whenever somebody reads', async () => {
  const { registry, countRequest } = setUp();
  countRequest('primary', 1);
  countRequest('primary', 3);
  countRequest('other', 1);
  const first = await registry.metrics();
  expect(first).toContain('time_to_first_token_bucket{consumer_group="primary",le="0.25"} 0');
  expect(first).toContain('time_to_first_token_bucket{consumer_group="primary",le="0.5"} 2');
  expect(first).toContain('time_to_first_token_sum{consumer_group="primary"} 0.6');
  expect(first).toContain('time_to_first_token_count{consumer_group="other"} 1');
  expect(first).toContain('user_batch_size_sum{consumer_group="primary"} 4');
  countRequest('primary', 1);
  const second = await registry.metrics();
  expect(second).toContain('user_batch_size_sum{consumer_group="primary"} 5');
  expect(second).toContain('user_batch_size_count{consumer_group="primary"} 3');
  expect(second).toContain('time_to_first_token_count{consumer_group="primary"} 3');
});

it('addRequestMetrics keeps no list of all requests while nobody reads, and loses none', async () => {
  const { registry, countRequest } = setUp();
  for (let i = 0; i < 2_500; i += 1) countRequest('primary', i < 2_400 ? 1 : 8);
  const text = await registry.metrics();
  expect(text).toContain('user_batch_size_count{consumer_group="primary"} 2500');
  expect(text).toContain('user_batch_size{quantile="0.5",consumer_group="primary"} 1');
  expect(text).toContain('generate_sequence_lengths_count{consumer_group="primary"} 2500');
});

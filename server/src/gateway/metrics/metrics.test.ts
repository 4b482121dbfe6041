import { expect, it } from 'vitest';
import { createMetrics } from './metrics.js';

it('counts requests by route and status, and never by what a client made up', async () => {
  const metrics = createMetrics();
  metrics.countRequest({
    method: 'POST',
    route: '/generate',
    status: 200,
    durationMs: 40,
    errorCode: undefined,
  });
  metrics.countRequest({
    method: 'POST',
    route: '/generate',
    status: 200,
    durationMs: 40,
    errorCode: undefined,
  });
  metrics.countRequest({
    method: 'PURGE',
    route: undefined,
    status: 404,
    durationMs: 1,
    errorCode: 'request.not_found',
  });
  const text = await metrics.print();
  expect(text).toContain(
    'http_requests_duration_seconds_count{method="POST",path="/generate",status="200"} 2',
  );
  expect(text).toContain(
    'http_requests_duration_seconds_bucket{method="POST",path="/generate",status="200",le="0.1"} 2',
  );
  expect(text).toContain('_count{method="other",path="unknown",status="404"} 1');
  expect(text).toContain('http_requests_total{method="POST",path="/generate",status="200"} 2');
  expect(text).toContain('takeoff_request_errors_total{code="request.not_found"} 1');
});

it('counts fetches by result, with their bytes and seconds', async () => {
  const metrics = createMetrics();
  metrics.countFetch({ result: 'fetched', byteCount: 700, durationMs: 2000 });
  metrics.countFetch({ result: 'fetched', byteCount: 50, durationMs: 1000 });
  metrics.countFetch({ result: 'address', byteCount: 0, durationMs: 1 });
  const text = await metrics.print();
  expect(text).toContain('takeoff_remote_image_bytes_total 750');
  expect(text).toContain('takeoff_remote_image_fetch_duration_seconds_sum{result="fetched"} 3');
  expect(text).toContain('takeoff_remote_image_fetch_duration_seconds_count{result="address"} 1');
});

it('keeps registries apart, so that two gateways can run in one process', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.countFetch({ result: 'fetched', byteCount: 1, durationMs: 1 });
  expect(await other.print()).toContain('takeoff_remote_image_bytes_total 0');
});

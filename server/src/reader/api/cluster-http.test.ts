import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { apiBaseOf, endpointOf } from './cluster-address.js';
import { ClusterHttp } from './cluster-http.js';
import { json, ScriptedCluster } from './scripted-cluster.fixture.js';

describe('requests to a cluster', () => {
  let cluster: ScriptedCluster;
  beforeEach(async () => {
    cluster = await ScriptedCluster.start();
  });
  afterEach(() => cluster.stop());
  const never = new AbortController().signal;
  const httpOf = (apiKey: string | null) =>
    new ClusterHttp({ base: apiBaseOf(cluster.url), apiKey, maxIdleConnections: 1 });

  it('go to the host that was named and to no other', async () => {
    const http = httpOf('k');
    const url = new URL('http://127.0.0.1:1/v1/models');
    await expect(async () => http.ask({ url, signal: never })).rejects.toMatchObject({ code: 'defect' });
    http.close();
  });

  it('follow no redirect', async () => {
    cluster.on('GET /v1/models', json(302, {}, { location: '/elsewhere' }));
    const http = httpOf(null);
    const response = await http.ask({ url: endpointOf(apiBaseOf(cluster.url), '/models'), signal: never });
    expect(response.statusCode).toBe(302);
    expect(cluster.seen.map(({ path }) => path)).toEqual(['/v1/models']);
    expect(cluster.seen[0]?.headers).not.toHaveProperty('authorization');
    response.destroy();
    http.close();
  });

  it('end with the reason of their signal', async () => {
    const http = httpOf(null);
    cluster.on('GET /v1/models', () => undefined);
    const client = new AbortController();
    const asking = http.ask({ url: endpointOf(apiBaseOf(cluster.url), '/models'), signal: client.signal });
    const expected = expect(asking).rejects.toThrow('gone');
    await expect.poll(() => cluster.seen.length).toBe(1);
    client.abort(new Error('gone'));
    await expected;
    await cluster.seen[0]?.left;
    http.close();
  });

  it.each([
    ['nonsense', 'SSH-2.0-OpenSSH\r\n'],
    ['endless headers', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`],
  ])('survive a server that sends %s', async (_, bytes) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(bytes);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const base = apiBaseOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const http = new ClusterHttp({ base, apiKey: null, maxIdleConnections: 1 });
    await expect(http.ask({ url: endpointOf(base, '/models'), signal: never })).rejects.toMatchObject({
      code: 'cluster.unreachable',
    });
    http.close();
    server.close();
  });
});

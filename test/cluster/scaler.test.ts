// What KEDA is told by a gateway: requests of a group that wait or run, each once, from Redis and the leases of readers.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cluster } from '../../harness/cluster.js';
import { freePort } from '../../harness/free-port.js';
import { sayWhyNoRedis } from '../../harness/redis-server.js';
import type { RunningServer } from '../../harness/running-server.js';
import { ScalerClient, scaledObject } from '../../server/src/gateway/scaler/scaler-client.fixture.js';
import { jsonRequest } from '../process/requests.js';

const UNAVAILABLE = 14;
/** A reader, a gateway and Redis, on a machine that others use, too. */
const START_TIMEOUT_MS = 300_000;

describe.skipIf(sayWhyNoRedis())('the external scaler of a gateway', () => {
  let cluster: Cluster;
  let gateway: RunningServer;
  let client: ScalerClient;

  beforeAll(async () => {
    cluster = await Cluster.start(
      { gateways: 0, readers: 1 },
      { args: ['--max-batch-size', '2', '--threads', '1'] },
    );
    const port = await freePort();
    gateway = await cluster.addGateway({ args: ['--internal-port', String(port)] });
    await gateway.until(async () => (await cluster.liveReaders(gateway)) === 1, 60_000);
    client = new ScalerClient(port);
    // The port opens a moment after the gateway answers over HTTP, and a client that was refused tries again only after a second.
    await gateway.until(async () => (await demand('primary')) === 0, 60_000);
  }, START_TIMEOUT_MS);
  afterAll(async () => {
    client.close();
    await cluster.stop();
  });

  const demand = async (consumerGroup: string): Promise<unknown> => {
    const answer = await client.ask('GetMetrics', {
      scaledObjectRef: scaledObject({ consumerGroup }),
      metricName: `target_${consumerGroup}`,
    });
    const { metricValues } = answer as { metricValues?: readonly { metricValue: number }[] };
    return metricValues?.[0]?.metricValue ?? answer;
  };

  it('counts what runs, what a reader has taken and what waits, each once, and nothing once it has ended', async () => {
    expect(await demand('primary')).toBe(0);
    expect(await client.ask('IsActive', scaledObject({ consumerGroup: 'primary' }))).toEqual({
      result: false,
    });
    const leaving = new AbortController();
    // Each asks again when its answer has ended: a fast machine is done before all of them have been counted.
    const clients = Array.from({ length: 7 }, async () => {
      while (!leaving.signal.aborted)
        await fetch(`${gateway.url}/generate_stream`, {
          ...jsonRequest({
            text: 'USER: Tell me a long story.\nASSISTANT:',
            max_new_tokens: 1500,
            min_new_tokens: 1500,
          }),
          signal: leaving.signal,
        })
          .then((response) => response.text())
          .catch(() => undefined);
    });
    await gateway.until(async () => (await demand('primary')) === 7, 20_000);
    expect(await client.ask('IsActive', scaledObject({ consumerGroup: 'primary' }))).toEqual({
      result: true,
    });
    leaving.abort();
    await Promise.all(clients);
    await gateway.until(async () => (await demand('primary')) === 0, 20_000);
  });

  it('knows of no request for a group that nobody serves', async () => {
    expect(await demand('nobody')).toBe(0);
  });

  it('says that it does not know while Redis is away, and knows again afterwards', async () => {
    await cluster.redis.kill();
    expect(await demand('primary')).toMatchObject({ code: UNAVAILABLE });
    await cluster.redis.launch();
    await gateway.until(async () => (await demand('primary')) === 0, 20_000);
  });
});

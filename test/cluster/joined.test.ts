// Two gateways and two readers without faults: what operators see of all machines, where images go, what a departed client leaves, and how
// a reader ends that is asked to.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Cluster } from '../../harness/cluster.js';
import { sayWhyNoRedis } from '../../harness/redis-server.js';
import { repositoryRoot, type RunningServer } from '../../harness/running-server.js';
import { imageForm, jsonRequest } from '../process/requests.js';
import { connectTo } from './nothing-lost.js';

const IMAGE = readFileSync(path.join(repositoryRoot(), 'test/goldens/images/336x336.png'));

describe.skipIf(sayWhyNoRedis())('two gateways and two readers', () => {
  let cluster: Cluster;
  const gateways = (): readonly [RunningServer, RunningServer] => [
    cluster.gateways[0]!,
    cluster.gateways[1]!,
  ];

  beforeAll(async () => {
    cluster = await Cluster.start(
      { gateways: 2, readers: 2 },
      { args: ['--threads', '1', '--reader-id', 'twin'] },
    );
  });
  afterAll(() => cluster.stop());

  const metric = async (gateway: RunningServer, pattern: RegExp): Promise<number> => {
    const text = await (await fetch(`${gateway.managementUrl}/metrics`)).text();
    return Number(pattern.exec(text)?.[1] ?? NaN);
  };

  it('show both readers at each gateway, and what each counts', async () => {
    for (const gateway of gateways()) {
      expect(await cluster.liveReaders(gateway)).toBe(2);
      const text = await (await fetch(`${gateway.managementUrl}/metrics`)).text();
      expect(text.match(/^takeoff_reader_live\{.*\} 1$/gmu)).toHaveLength(2);
      expect((await fetch(`${gateway.url}/readyz`)).status).toBe(200);
    }
  });

  it('refuse to add a reader, and say where to do it', async () => {
    const response = await fetch(`${gateways()[0].managementUrl}/reader`, jsonRequest({ model_name: 'm' }));
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ error: { code: 'request.readers_elsewhere' } });
  });

  it('answer the same at each gateway, also about tokens', async () => {
    for (const [route, body] of [
      ['/generate', { text: 'USER: Hello.\nASSISTANT:', max_new_tokens: 6 }],
      ['/count', { text: 'USER: Hello.\nASSISTANT:' }],
    ] as const) {
      const [one, other] = await Promise.all(
        gateways().map(async ({ url }) => (await fetch(`${url}${route}`, jsonRequest(body))).json()),
      );
      expect(one).toEqual(other);
    }
  });

  it('answer questions about tokens by the id that both readers share, and by the name of each', async () => {
    const [{ url }] = gateways();
    const { live_readers: live } = (await (await fetch(`${url}/status`)).json()) as { live_readers: object };
    const shown = Object.keys(live);
    expect(shown).toEqual([expect.stringMatching(/^twin@/u), expect.stringMatching(/^twin@/u)]);
    for (const id of ['twin', ...shown]) {
      const response = await fetch(`${url}/tokenize/${id}`, jsonRequest({ text: 'a b' }));
      expect(await response.json(), id).toMatchObject({ tokens_count: expect.any(Number) as number });
    }
    const response = await fetch(`${url}/tokenize/nobody`, jsonRequest({ text: 'a b' }));
    expect(response.status).toBe(404);
  });

  it('refuse to count for an adapter that no reader has, as one machine does', async () => {
    const response = await fetch(`${gateways()[0].url}/count`, jsonRequest({ text: 'a', lora_id: 'none' }));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'request.unknown_lora' } });
  });

  it('send an image once: its reader is asked again without it', async () => {
    const [gateway] = gateways();
    const ask = () =>
      fetch(`${gateway.url}/image_generate`, {
        method: 'POST',
        body: imageForm(IMAGE, { text: 'What is it?', max_new_tokens: 4 }),
      });
    const first: unknown = await (await ask()).json();
    // Once the reader has said that it has the image.
    await gateway.until(async () => {
      expect(await (await ask()).json()).toEqual(first);
      return (await metric(gateway, /^takeoff_affinity_total\{.*result="hit".*\} (\d+)$/mu)) > 0;
    }, 20_000);
  });

  it('give the place of a client back that has left', async () => {
    const [gateway] = gateways();
    const leave = new AbortController();
    const body = { text: 'USER: Tell me a story.\nASSISTANT:', max_new_tokens: 1_500, min_new_tokens: 1_500 };
    const response = await fetch(`${gateway.url}/generate_stream`, {
      ...jsonRequest(body),
      signal: leave.signal,
    });
    await response.body?.getReader().read();
    leave.abort();
    await gateway.until(async () => (await metric(gateway, /^takeoff_open_requests (\d+)$/mu)) === 0, 20_000);
    await gateway.until(async () => {
      const text = await (await fetch(`${gateway.managementUrl}/metrics`)).text();
      return [...text.matchAll(/^takeoff_prompts\{.*\} (\d+)$/gmu)].every(([, count]) => count === '0');
    }, 20_000);
  });

  it('go on with the other one when a reader is asked to end, which ends with 0 and is gone from /status at once', async () => {
    const [gateway] = gateways();
    const leaving = cluster.readers.pop()!;
    const exit = once(leaving.child, 'exit');
    leaving.child.kill('SIGTERM');
    const answers = Array.from({ length: 4 }, () =>
      fetch(`${gateway.url}/generate`, jsonRequest({ text: 'Hello', max_new_tokens: 4 })),
    );
    for (const answer of await Promise.all(answers)) expect(answer.status).toBe(200);
    expect((await exit)[0]).toBe(0);
    await gateway.until(async () => (await cluster.liveReaders(gateway)) === 1, 5_000);
  });

  it(
    'get the rest of an answer when Redis is back, from a reader that was asked to end meanwhile',
    { timeout: 180_000 },
    async () => {
      const [gateway] = gateways();
      const body = {
        text: 'USER: Tell me a story.\nASSISTANT:',
        max_new_tokens: 1_500,
        min_new_tokens: 1_500,
      };
      const response = await fetch(`${gateway.url}/generate_stream`, jsonRequest(body));
      const stream = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = (await stream.read()).value ?? '';
      const leaving = cluster.readers.pop()!;
      await cluster.redis.kill();
      await gateway.until(async () => (await fetch(`${gateway.url}/readyz`)).status === 503, 20_000);
      const ended = leaving.stop();
      await cluster.redis.launch();
      for (let read = await stream.read(); !read.done; read = await stream.read()) text += read.value;
      expect(text).not.toContain('event: error');
      expect(text.split('data:').length).toBeGreaterThan(1_000);
      expect(await ended).toBe(0);
      await cluster.addReader();
      await gateway.until(async () => (await fetch(`${gateway.url}/readyz`)).status === 200, 20_000);
    },
  );

  it(
    'show all of an answer although Redis loses events that its gateway has not read',
    { timeout: 180_000 },
    async () => {
      const [gateway, other] = gateways();
      const body = {
        text: 'USER: Tell me a story.\nASSISTANT:',
        max_new_tokens: 1_500,
        min_new_tokens: 1_500,
      };
      const redis = await connectTo(cluster.redis);
      const response = await fetch(`${gateway.url}/generate_stream`, jsonRequest(body));
      const stream = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = (await stream.read()).value ?? '';
      gateway.child.kill('SIGSTOP');
      const streams = (await redis.send(['KEYS', 'tk:1:*ev:*'])) as string[];
      const unread = async () => Promise.all(streams.map((stream) => redis.send(['XLEN', stream])));
      await vi.waitUntil(async () => (await unread()).some((length) => length !== 0), { timeout: 20_000 });
      await redis.send(['DEL', ...streams]);
      gateway.child.kill('SIGCONT');
      await redis.close();
      for (let read = await stream.read(); !read.done; read = await stream.read()) text += read.value;
      const whole = await fetch(`${other.url}/generate_stream`, jsonRequest(body));
      expect(text).toBe(await whole.text());
    },
  );

  it('say that they are not ready while Redis is away, and refuse what is new', async () => {
    const [gateway] = gateways();
    await cluster.redis.kill();
    await gateway.until(async () => (await fetch(`${gateway.url}/readyz`)).status === 503, 20_000);
    const response = await fetch(`${gateway.url}/generate`, jsonRequest({ text: 'Hello' }));
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: 'queue.unreachable' } });
    await cluster.redis.launch();
    await gateway.until(async () => (await fetch(`${gateway.url}/readyz`)).status === 200, 20_000);
    expect((await fetch(`${gateway.url}/generate`, jsonRequest({ text: 'Hello' }))).status).toBe(200);
  });
});

// A gateway and a reader that show certificates to an encrypted Redis and have the rights of docs/cluster.md, no more: everything works with
// them, and what a reader must not do is refused.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RedisConnection } from 'takeoff-server/link/redis/redis-connection.js';
import { SUBMIT } from 'takeoff-server/link/redis/scripts.js';
import { GuardedRedis, type Role } from '../../harness/guarded-redis.js';
import { sayWhyNoRedis } from '../../harness/redis-server.js';
import { repositoryRoot, RunningServer } from '../../harness/running-server.js';

describe.skipIf(sayWhyNoRedis())('gateway and reader with certificates and the rights of the page', () => {
  let redis: GuardedRedis;
  const open: RedisConnection[] = [];
  const servers: RunningServer[] = [];

  async function connect(role?: Role): Promise<RedisConnection> {
    const connection = await redis.connect(role === undefined ? undefined : redis.urlOf(role));
    open.push(connection);
    return connection;
  }
  const start = (role: Role, env: Readonly<Record<string, string>> = {}): Promise<RunningServer> =>
    RunningServer.startOne({ env: { ...redis.envOf(role), ...env }, waitsForReader: role === 'gateway' });

  beforeAll(async () => {
    redis = await GuardedRedis.start(['primary']);
    servers.push(await start('reader', { TAKEOFF_HEADLESS: 'true' }));
    servers.push(await start('gateway'));
  });
  afterAll(async () => {
    await Promise.all(open.map((connection) => connection.close()));
    for (const server of servers.reverse()) await server.stop();
    await redis.stop();
  });

  const gateway = (): RunningServer => servers.at(-1)!;

  it('answer a question about an image, twice, and a question about tokens', async () => {
    const image = readFileSync(path.join(repositoryRoot(), 'test/goldens/images/336x336.png'));
    for (const text of ['What is it?', 'And this?']) {
      const form = new FormData();
      form.set('image_data', new Blob([image]));
      form.set(
        'json_data',
        new Blob([JSON.stringify({ text, max_new_tokens: 4 })], { type: 'application/json' }),
      );
      const answer = await fetch(`${gateway().url}/image_generate`, { method: 'POST', body: form });
      expect(answer.status, await answer.clone().text()).toBe(200);
    }
    const count = await fetch(`${gateway().url}/count`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'hello' }),
    });
    expect(count.status, await count.clone().text()).toBe(200);
  });

  it('are refused nothing that they ask of Redis', async () => {
    const operator = await connect();
    expect(await operator.send(['ACL', 'LOG'])).toEqual([]);
  });

  it.each([
    ['add a request', ['XADD', 'tk:1:{primary}:queue', '*', 'v', '1', 'm', '{}']],
    ['tell another reader to stop', ['XADD', 'tk:1:{primary}:ctl:other', '*', 'v', '1', 'm', '{}']],
    ['read the images of another group', ['GET', 'tk:1:{other}:tiles:gw:0']],
    ['take the lease of a gateway', ['SET', 'tk:1:{primary}:gw:gw', '1']],
    ['see all keys', ['KEYS', '*']],
    ['watch what others say', ['MONITOR']],
  ])('a reader may not %s', async (_what, command) => {
    const reader = await connect('reader');
    await expect(reader.send(command)).rejects.toMatchObject({ word: 'NOPERM' });
  });

  it('a reader may not add a request by a script either', async () => {
    const reader = await connect('reader');
    await expect(reader.run(SUBMIT, ['tk:1:{primary}:queue'], ['10', '{}'])).rejects.toThrow(
      /can't run this command/u,
    );
  });

  it('a process without the certificate is not let in', async () => {
    await expect(redis.connect(redis.server.url, 'ca', null)).rejects.toThrow();
  });

  it('a server whose authority is not the one that was named is not spoken to', async () => {
    await expect(redis.connect(redis.server.url, 'other-ca')).rejects.toThrow(
      /certificate|self.signed|signature/iu,
    );
  });
});

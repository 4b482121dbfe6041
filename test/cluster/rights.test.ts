// A gateway and a reader that show certificates to an encrypted Redis and have the rights of docs/cluster.md, no more: everything works with
// them, and what a reader must not do is refused.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRedisAddress } from 'takeoff-server/link/redis/redis-address.js';
import { RedisConnection } from 'takeoff-server/link/redis/redis-connection.js';
import { SUBMIT } from 'takeoff-server/link/redis/scripts.js';
import { RedisServer, sayWhyNoRedis } from '../../harness/redis-server.js';
import { repositoryRoot, RunningServer } from '../../harness/running-server.js';
import { makeAuthority } from '../network/certificates.js';

const PASSWORD = 'secret-of-the-test';
const folder = mkdtempSync(path.join(tmpdir(), 'takeoff-rights-'));
const pem = (name: string): string => path.join(folder, `${name}.pem`);

/** `user NAME RULES…` of the page, for the group of the test. */
function rulesOf(role: 'reader' | 'gateway'): string[] {
  const page = readFileSync(path.join(repositoryRoot(), 'docs/cluster.md'), 'utf8');
  const line = new RegExp(`^user (${role}-GROUP .*)$`, 'mu').exec(page)?.[1] ?? '';
  const text = line.replaceAll('GROUP', 'primary').replace('PASSWORD', PASSWORD);
  // A selector is one argument.
  return text.match(/\([^)]*\)|\S+/gu) ?? [];
}

describe.skipIf(sayWhyNoRedis())('gateway and reader with certificates and the rights of the page', () => {
  let redis: RedisServer;
  const open: RedisConnection[] = [];
  const servers: RunningServer[] = [];

  const settings = () => ({ caFile: pem('ca'), certFile: pem('client'), keyFile: pem('client-key') });
  const urlOf = (user: string): string => redis.url.replace('//', `//${user}:${PASSWORD}@`);
  async function connect(url: string): Promise<RedisConnection> {
    return new Promise((resolve, reject) => {
      const address = readRedisAddress({ url, ...settings() });
      const connection: RedisConnection = new RedisConnection(address, {
        onUp: () => resolve(connection),
        onDown: (why) => reject(new Error(why)),
      });
      open.push(connection);
    });
  }
  const start = (
    role: 'reader' | 'gateway',
    env: Readonly<Record<string, string>>,
  ): Promise<RunningServer> => {
    const { caFile, certFile, keyFile } = settings();
    const files = { TAKEOFF_REDIS_CA: caFile, TAKEOFF_REDIS_CERT: certFile, TAKEOFF_REDIS_KEY: keyFile };
    const url = { TAKEOFF_REDIS_URL: urlOf(`${role}-primary`) };
    return RunningServer.startOne({ env: { ...files, ...url, ...env }, waitsForReader: role === 'gateway' });
  };

  beforeAll(async () => {
    const authority = makeAuthority('authority of the test');
    const [server, client] = [authority.issue('localhost'), authority.issue('client')];
    writeFileSync(pem('ca'), authority.certificatePem);
    writeFileSync(pem('server'), server.certificatePem);
    writeFileSync(pem('server-key'), server.keyPem);
    writeFileSync(pem('client'), client.certificatePem);
    writeFileSync(pem('client-key'), client.keyPem);
    redis = await RedisServer.start([
      ...['--tls-cert-file', pem('server'), '--tls-key-file', pem('server-key')],
      ...['--tls-ca-cert-file', pem('ca'), '--tls-auth-clients', 'yes'],
    ]);
    const operator = await connect(redis.url);
    for (const role of ['reader', 'gateway'] as const)
      await operator.send(['ACL', 'SETUSER', ...rulesOf(role)]);
    servers.push(await start('reader', { TAKEOFF_HEADLESS: 'true' }));
    servers.push(await start('gateway', {}));
  });
  afterAll(async () => {
    await Promise.all(open.map((connection) => connection.close()));
    for (const server of servers.reverse()) await server.stop();
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
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
    const operator = await connect(redis.url);
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
    const reader = await connect(urlOf('reader-primary'));
    await expect(reader.send(command)).rejects.toMatchObject({ word: 'NOPERM' });
  });

  it('a reader may not add a request by a script either', async () => {
    const reader = await connect(urlOf('reader-primary'));
    await expect(reader.run(SUBMIT, ['tk:1:{primary}:queue'], ['10', '{}'])).rejects.toThrow(
      /can't run this command/u,
    );
  });

  it('a process without the certificate is not let in', async () => {
    const address = readRedisAddress({ url: redis.url, caFile: pem('ca'), certFile: null, keyFile: null });
    const why = await new Promise<string>((resolve) => {
      open.push(new RedisConnection(address, { onUp: () => resolve('it was'), onDown: resolve }));
    });
    expect(why).not.toBe('it was');
  });

  it('a server whose authority is not the one that was named is not spoken to', async () => {
    writeFileSync(pem('other-ca'), makeAuthority('somebody else').certificatePem);
    const address = readRedisAddress({ url: redis.url, ...settings(), caFile: pem('other-ca') });
    const why = await new Promise<string>((resolve) => {
      open.push(new RedisConnection(address, { onUp: () => resolve('it was'), onDown: resolve }));
    });
    expect(why).toMatch(/certificate|self.signed|signature/iu);
  });
});

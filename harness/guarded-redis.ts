// A Redis as docs/cluster.md has it where others share the network: encrypted, both sides with certificates, and a user for each role that
// has the rights of that page and no more.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readRedisAddress } from 'takeoff-server/link/redis/redis-address.js';
import { RedisConnection } from 'takeoff-server/link/redis/redis-connection.js';
import { makeAuthority } from './certificates.js';
import { RedisServer } from './redis-server.js';
import { repositoryRoot } from './running-server.js';

export type Role = 'reader' | 'gateway';
type File = 'ca' | 'other-ca' | 'server' | 'server-key' | 'client' | 'client-key';

const PASSWORD = 'secret-of-the-test';

export class GuardedRedis {
  readonly server: RedisServer;
  readonly #folder: string;

  private constructor(server: RedisServer, folder: string) {
    this.server = server;
    this.#folder = folder;
  }

  /** @param groups the consumer groups that its users have rights for */
  static async start(groups: readonly string[]): Promise<GuardedRedis> {
    const folder = mkdtempSync(path.join(tmpdir(), 'takeoff-guarded-'));
    writeCertificates(folder);
    const pem = (file: File): string => pemIn(folder, file);
    const server = await RedisServer.start([
      ...['--tls-cert-file', pem('server'), '--tls-key-file', pem('server-key')],
      ...['--tls-ca-cert-file', pem('ca'), '--tls-auth-clients', 'yes'],
    ]);
    const guarded = new GuardedRedis(server, folder);
    await guarded.#grant(groups);
    return guarded;
  }

  /** Of a file that may be shown, or trusted. */
  pem(file: File): string {
    return pemIn(this.#folder, file);
  }

  urlOf(role: Role): string {
    return this.server.url.replace('//', `//${role}:${PASSWORD}@`);
  }

  /** How a process is told of it. */
  envOf(role: Role): Readonly<Record<string, string>> {
    return {
      TAKEOFF_REDIS_URL: this.urlOf(role),
      TAKEOFF_REDIS_CA: this.pem('ca'),
      TAKEOFF_REDIS_CERT: this.pem('client'),
      TAKEOFF_REDIS_KEY: this.pem('client-key'),
    };
  }

  /** With all rights where no url is given. @throws an Error that says why nobody is let in */
  async connect(
    url = this.server.url,
    ca: File = 'ca',
    client: File | null = 'client',
  ): Promise<RedisConnection> {
    const address = readRedisAddress({
      url,
      caFile: this.pem(ca),
      certFile: client === null ? null : this.pem(client),
      keyFile: client === null ? null : this.pem('client-key'),
    });
    let connection: RedisConnection | undefined;
    try {
      return await new Promise((resolve, reject) => {
        const opened: RedisConnection = new RedisConnection(address, {
          onUp: () => resolve(opened),
          onDown: (why) => reject(new Error(why)),
        });
        connection = opened;
      });
    } catch (error) {
      await connection?.close();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.server.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #grant(groups: readonly string[]): Promise<void> {
    const operator = await this.connect();
    for (const role of ['reader', 'gateway'] as const)
      await operator.send(['ACL', 'SETUSER', ...rulesOf(role, groups)]);
    await operator.close();
  }
}

const pemIn = (folder: string, file: File): string => path.join(folder, `${file}.pem`);

function writeCertificates(folder: string): void {
  const write = (file: File, pem: string): void => writeFileSync(pemIn(folder, file), pem);
  const authority = makeAuthority('authority of the test');
  write('ca', authority.certificatePem);
  write('other-ca', makeAuthority('somebody else').certificatePem);
  for (const [name, host] of [
    ['server', 'localhost'],
    ['client', 'client'],
  ] as const) {
    const { certificatePem, keyPem } = authority.issue(host);
    write(name, certificatePem);
    write(`${name}-key`, keyPem);
  }
}

/** `user NAME RULES…` of the page; what is in parentheses once for each group. */
function rulesOf(role: Role, groups: readonly string[]): string[] {
  const page = readFileSync(path.join(repositoryRoot(), 'docs/cluster.md'), 'utf8');
  const line = new RegExp(`^user ${role}-GROUP (.*)$`, 'mu').exec(page)?.[1] ?? '';
  // A selector is one argument.
  const rules = line.replace('PASSWORD', PASSWORD).match(/\([^)]*\)|\S+/gu) ?? [];
  const forGroups = (rule: string): string[] =>
    rule.startsWith('(') ? groups.map((group) => rule.replaceAll('GROUP', group)) : [rule];
  return [role, ...rules.flatMap(forGroups)];
}

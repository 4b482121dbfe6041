// Where Redis is and how a process shows who it is, from the address and the files that an operator named.
import { readFileSync } from 'node:fs';
import { ConfigError } from '../../errors.js';
import type { RedisSettings } from './redis-settings.js';

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly username: string | null;
  readonly password: string | null;
  /** Null: without TLS. */
  readonly tls: RedisTls | null;
}

export interface RedisTls {
  /** Instead of the authorities that Node trusts. */
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

const DEFAULT_PORT = 6379;

/** @throws ConfigError naming the setting, never the password */
export function readRedisAddress({ url, caFile, certFile, keyFile }: RedisSettings): RedisAddress {
  const { protocol, hostname, port, pathname, username, password } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/u, '$1');
  const isEncrypted = protocol === 'rediss:';
  if (!isEncrypted && (caFile ?? certFile ?? keyFile) !== null) {
    throw new ConfigError(
      'redis_ca, redis_cert and redis_key are for encrypted connections; redis_url begins with redis://, allowed with them: rediss://.',
    );
  }
  if ((certFile === null) !== (keyFile === null))
    throw new ConfigError('redis_cert and redis_key belong together: set both, or neither.');
  return {
    host,
    port: port === '' ? DEFAULT_PORT : Number(port),
    database: pathname.length > 1 ? Number(pathname.slice(1)) : 0,
    username: username === '' ? null : decodeURIComponent(username),
    password: password === '' ? null : decodeURIComponent(password),
    tls: isEncrypted
      ? {
          ...(caFile === null ? {} : { ca: readPem('redis_ca', caFile) }),
          ...(certFile === null ? {} : { cert: readPem('redis_cert', certFile) }),
          ...(keyFile === null ? {} : { key: readPem('redis_key', keyFile) }),
        }
      : null,
  };
}

function readPem(setting: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${setting} names a file that cannot be read: ${why}`, { cause });
  }
}

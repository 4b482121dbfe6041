import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../errors.js';
import { readRedisAddress } from './redis-address.js';

const NO_FILES = { caFile: null, certFile: null, keyFile: null };

describe('the address of Redis', () => {
  it.each([
    ['redis://host', { host: 'host', port: 6379, database: 0, username: null, password: null, tls: null }],
    ['redis://host:1/3', { port: 1, database: 3 }],
    ['redis://[::1]:1', { host: '::1' }],
    ['redis://:p%40ss@host', { username: null, password: 'p@ss' }],
    ['redis://name:secret@host', { username: 'name', password: 'secret' }],
    ['rediss://host', { tls: {} }],
  ])('%s is taken apart', (url, expected) => {
    expect(readRedisAddress({ url, ...NO_FILES })).toMatchObject(expected);
  });

  it('has no certificates without TLS', () => {
    expect(() => readRedisAddress({ url: 'redis://host', ...NO_FILES, caFile: '/ca.pem' })).toThrow(
      'allowed with them: rediss://',
    );
  });

  it('has a key with its certificate', () => {
    expect(() => readRedisAddress({ url: 'rediss://host', ...NO_FILES, certFile: '/c.pem' })).toThrow(
      'redis_cert and redis_key belong together',
    );
  });

  it('names the setting of a file that cannot be read', () => {
    expect(() => readRedisAddress({ url: 'rediss://host', ...NO_FILES, caFile: '/no/such.pem' })).toThrow(
      ConfigError,
    );
  });
});

import { describe, expect, it } from 'vitest';
import { judgeServer } from './doctor-redis.js';

const FIT = {
  redis_version: '7.0.15',
  maxmemory_policy: 'noeviction',
  maxmemory: '1000000',
  maxmemory_human: '976.56K',
  aof_enabled: '0',
  cluster_enabled: '0',
};

const verdictsOf = (change: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    judgeServer(new Map(Object.entries({ ...FIT, ...change }))).map(({ what, verdict }) => [what, verdict]),
  );

describe('what takeoff doctor --redis makes of a server', () => {
  it('finds nothing wrong with one that is fit', () => {
    expect(new Set(Object.values(verdictsOf({})))).toEqual(new Set(['ok']));
  });

  it.each([
    [{ redis_version: '6.2.14' }, 'version', 'wrong'],
    [{ redis_version: '7.2.4', valkey_version: '7.2.5' }, 'version', 'wrong'],
    [{ redis_version: '7.2.4', valkey_version: '8.0.1' }, 'version', 'ok'],
    [{ maxmemory_policy: 'allkeys-lru' }, 'eviction', 'wrong'],
    [{ maxmemory: '0' }, 'memory', 'unknown'],
    [{ aof_enabled: '1' }, 'persistence', 'wrong'],
    [{ cluster_enabled: '1' }, 'cluster', 'wrong'],
  ])('with %j says of its %s that it is %s', (change, what, verdict) => {
    expect(verdictsOf(change)).toMatchObject({ [what]: verdict });
  });
});

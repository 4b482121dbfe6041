// Readers on other machines for a gateway that has none of its own.
import { validateKeyName } from '../../link/redis/keys.js';
import { readRedisAddress } from '../../link/redis/redis-address.js';
import type { RedisSettings } from '../../link/redis/redis-settings.js';
import type { GatewayConfig } from '../gateway.js';
import type { ServedReaders } from '../served-readers.js';
import { RemoteControl } from './remote-control.js';
import { RemoteReaders } from './remote-readers.js';

/** @throws ConfigError when a file of the settings cannot be read, or a name cannot be part of a key */
export function remoteReaders(
  { reservedConsumers, limits, maxOpenRequests, log }: GatewayConfig,
  redis: RedisSettings,
): ServedReaders {
  for (const name of reservedConsumers) validateKeyName('reserved_consumers', name);
  const service = new RemoteReaders({
    address: readRedisAddress(redis),
    reservedGroups: reservedConsumers,
    reservedWaitMs: limits.firstTokenTimeoutMs,
    maxQueuedRequests: maxOpenRequests,
    log,
  });
  return {
    service,
    control: new RemoteControl(service),
    demand: (group) => service.demand(group),
    start: () => undefined,
  };
}

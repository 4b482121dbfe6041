// Validates the names that configuration sources use: an unknown key of the server stops the start, since a limit that was
// misspelled would silently not hold; keys that Takeoff documents but that mean nothing here, and unknown keys of readers
// and variables, only lead to a warning, since files and launch commands of other versions must keep working.
import { ConfigError } from '../errors.js';
import type { ConfigFile } from './config-file.js';
import { unreadVariables, type Environment } from './environment.js';
import { spellingsOf } from './layers.js';
import { READER_SETTINGS } from './reader-settings.js';
import { SERVER_SETTINGS, type ServerConfig } from './server-settings.js';
import { UNUSED_READER_KEYS, UNUSED_SERVER_KEYS } from './unused-keys.js';

/** Settings of readers that server_config may hold, for all readers that do not set them. */
export const READER_DEFAULTS_OF_SERVER: ReadonlySet<string> = new Set(['max_batch_size']);

/** @throws ConfigError for a key of server_config that neither this program nor Takeoff knows */
export function validateServerKeys(file: ConfigFile): void {
  const known = spellingsOf(SERVER_SETTINGS);
  const unknown = Object.keys(file.server).find(
    (key) => !known.has(key) && !READER_DEFAULTS_OF_SERVER.has(key) && !UNUSED_SERVER_KEYS.has(key),
  );
  if (unknown === undefined) return;
  const hint = spellingsOf(READER_SETTINGS).has(unknown)
    ? 'It belongs to an entry of readers_config.'
    : 'docs/config.md lists all keys.';
  throw new ConfigError(`server_config of ${file.path} has the unknown key "${unknown}". ${hint}`);
}

/** One sentence for each setting that has no effect because of another one's value, so that it does not seem to work. */
export function warnOfUnusedValues(server: ServerConfig): readonly string[] {
  const idle: readonly (readonly [isIdle: boolean, warning: string])[] = [
    [
      !server.allowRemoteImages && server.remoteImageAllowlist.length > 0,
      'remote_image_allowlist has no effect while allow_remote_images is off.',
    ],
    [
      server.internalPort !== null && (server.redisUrl === null || server.headless),
      'internal_port has no effect but in a gateway with redis_url: readers of one machine need no port of it.',
    ],
  ];
  return idle.flatMap(([isIdle, warning]) => (isIdle ? [warning] : []));
}

/** One sentence for each source that names something without effect. */
export function warnOfUnusedKeys(environment: Environment, file: ConfigFile | undefined): readonly string[] {
  const known = spellingsOf(READER_SETTINGS);
  const readers = Object.entries(file?.readers ?? {}).map(([id, keys]) => ({
    where: `readers_config.${id}`,
    keys: Object.keys(keys)
      .filter((key) => !known.has(key) || key === 'reader_id')
      .map((key) => (UNUSED_READER_KEYS.has(key) ? key : `${key} (unknown)`)),
  }));
  const sources = [
    {
      where: 'the environment',
      keys: unreadVariables([...SERVER_SETTINGS, ...READER_SETTINGS], environment),
    },
    {
      where: 'server_config',
      keys: Object.keys(file?.server ?? {}).filter((key) => UNUSED_SERVER_KEYS.has(key)),
    },
    ...readers,
  ];
  return sources
    .filter(({ keys }) => keys.length > 0)
    .map(({ where, keys }) => `Without effect in this version, from ${where}: ${keys.join(', ')}.`);
}

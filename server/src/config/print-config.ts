// The resolved configuration as JSON for `serve --print-config`: the layout and keys of config.yaml, secrets hidden.
import type { NamedSetting } from './layers.js';
import { READER_SETTINGS } from './reader-settings.js';
import type { TakeoffConfig } from './resolve-config.js';
import { SERVER_SETTINGS } from './server-settings.js';

const HIDDEN = '(hidden)';

export function printConfig(config: TakeoffConfig): string {
  const readers = config.readers.map((reader) => {
    const { reader_id: id, ...keys } = byKey(READER_SETTINGS, reader);
    return [String(id), keys] as const;
  });
  const takeoff = {
    server_config: byKey(SERVER_SETTINGS, config.server),
    readers_config: Object.fromEntries(readers),
  };
  return JSON.stringify({ takeoff }, null, 2);
}

function byKey(
  settings: readonly NamedSetting[],
  section: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const entries = settings.map(({ name, facts }) => {
    const value = section[name];
    return [facts.key, facts.isSecret && value !== null ? HIDDEN : value] as const;
  });
  return Object.fromEntries(entries);
}

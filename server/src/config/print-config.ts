// The resolved configuration as an operator may see it: the layout and keys of config.yaml, secrets hidden. For
// `serve --print-config` and the management port.
import type { NamedSetting } from './layers.js';
import { READER_SETTINGS, type ReaderConfig } from './reader-settings.js';
import type { TakeoffConfig } from './resolve-config.js';
import { SERVER_SETTINGS } from './server-settings.js';

const HIDDEN = '(hidden)';

/** server_config with its keys as in config.yaml. */
export const shownServerConfig = ({ server }: TakeoffConfig): Readonly<Record<string, unknown>> =>
  byKey(SERVER_SETTINGS, server);

/** The settings of a reader with their keys as in config.yaml, `reader_id` among them. */
export const shownReaderConfig = (reader: ReaderConfig): Readonly<Record<string, unknown>> =>
  byKey(READER_SETTINGS, reader);

export function printConfig(config: TakeoffConfig): string {
  const readers = config.readers.map((reader) => {
    const { reader_id: id, ...keys } = shownReaderConfig(reader);
    return [String(id), keys] as const;
  });
  const takeoff = {
    server_config: shownServerConfig(config),
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

// Gives a command one flag for each setting, and collects what was typed as text: values are validated by config/.
import { Option, type Command } from 'commander';
import { flagName, outsideFile, type NamedSetting } from '../config/layers.js';
import { READER_SETTINGS } from '../config/reader-settings.js';
import { SERVER_SETTINGS } from '../config/server-settings.js';

export const ALL_SETTINGS: readonly NamedSetting[] = [...SERVER_SETTINGS, ...outsideFile(READER_SETTINGS)];

export const settingsWith = (...keys: readonly string[]): NamedSetting[] =>
  ALL_SETTINGS.filter(({ facts }) => keys.includes(facts.key));

export function addSettingFlags(command: Command, settings: readonly NamedSetting[]): void {
  for (const { facts } of settings) {
    const byDefault = facts.defaultText === '' ? '' : ` (default: ${facts.defaultText})`;
    const value = facts.isSwitch ? '[true|false]' : '<value>';
    command.addOption(new Option(`--${flagName(facts)} ${value}`, `${facts.meaning}${byDefault}`));
  }
}

/** Text by flag name, for the flags of the list that were typed. A switch without a value is "true". */
export function typedFlags(command: Command, settings: readonly NamedSetting[]): Map<string, string> {
  const names = new Set(settings.map(({ facts }) => flagName(facts)));
  const values: Readonly<Record<string, unknown>> = command.opts();
  const typed = new Map<string, string>();
  for (const option of command.options) {
    const name = option.long?.slice('--'.length) ?? '';
    const value = values[option.attributeName()];
    if (names.has(name) && (typeof value === 'string' || value === true)) typed.set(name, String(value));
  }
  return typed;
}

// Where settings come from. A layer holds the values that one source gives, by key; layers are asked in order and the first
// that has the key decides. Also lists the settings of a schema, with aliases resolved.
import type { z } from 'zod';
import { Defect } from '../errors.js';
import { settingFacts, type SettingFacts } from './setting.js';

/** A value as its source gave it, and the source in words. */
export interface Given {
  readonly value: unknown;
  readonly source: string;
}

/** Values by key of config.yaml; never null, undefined or empty text, which all mean "not given". */
export type Layer = ReadonlyMap<string, Given>;

export interface NamedSetting {
  /** Name in the configuration object. */
  readonly name: string;
  readonly schema: z.core.$ZodType;
  readonly facts: SettingFacts;
}

/** Settings that flags and variables can set, too. */
export const outsideFile = (settings: readonly NamedSetting[]): NamedSetting[] =>
  settings.filter(({ facts }) => !facts.isForFileEntries);

export function settingsOf(schema: z.ZodObject): NamedSetting[] {
  return Object.entries<z.core.$ZodType>(schema.shape).map(([name, field]) => {
    const facts = settingFacts.get(field);
    if (facts === undefined) throw new Defect(`The setting ${name} has no facts: declare it with setting().`);
    return { name, schema: field, facts };
  });
}

export const environmentName = (key: string): string => `TAKEOFF_${key.toUpperCase()}`;
export const flagName = ({ flag, key }: SettingFacts): string => flag ?? key.replaceAll('_', '-');

const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== '';

/**
 * The layer of a source that names settings by key or alias. `read` returns what the source has under a spelling, if anything.
 */
export function layerOf(
  settings: readonly NamedSetting[],
  read: (spelling: string, facts: SettingFacts) => Given | undefined,
): Layer {
  const layer = new Map<string, Given>();
  for (const { facts } of settings) {
    for (const spelling of [facts.key, ...(facts.aliases ?? [])]) {
      const given = read(spelling, facts);
      if (given !== undefined && isGiven(given.value) && !layer.has(facts.key)) layer.set(facts.key, given);
    }
  }
  return layer;
}

/** All spellings that a setting of the list is known by. */
export const spellingsOf = (settings: readonly NamedSetting[]): Set<string> =>
  new Set(settings.flatMap(({ facts }) => [facts.key, ...(facts.aliases ?? [])]));

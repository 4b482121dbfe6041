// docs/config.md is written for people, but its tables must say what the program does.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { environmentName, flagName, type NamedSetting } from './layers.js';
import { READER_SETTINGS } from './reader-settings.js';
import { SERVER_SETTINGS } from './server-settings.js';
import { UNUSED_READER_KEYS, UNUSED_SERVER_KEYS } from './unused-keys.js';

const page = readFileSync(new URL('../../../docs/config.md', import.meta.url), 'utf8');

/** Cells of the rows below a heading, without the padding that the formatter adds. */
function tableBelow(heading: string): string[] {
  const section = page.split(`\n${heading}\n`)[1]?.split(/\n##+ /u)[0] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.replaceAll(/ +/gu, ' '));
}

function row({ facts }: NamedSetting): string {
  const keys = [facts.key, ...(facts.aliases ?? [])].map((key) => `\`${key}\``).join(', also: ');
  const defaultText = facts.defaultText === '' ? 'none' : facts.defaultText;
  const flag = facts.isForFileEntries ? '–' : `\`--${flagName(facts)}\``;
  const variable = facts.isForFileEntries ? '–' : `\`${environmentName(facts.key)}\``;
  return `| ${keys} | ${flag} | ${variable} | ${defaultText} | ${facts.allowed} | ${facts.meaning} |`;
}

describe('docs/config.md', () => {
  it.each([
    ['## Server', SERVER_SETTINGS],
    ['## Readers', READER_SETTINGS],
  ])('has below %s a row for each setting of the program, and no other', (heading, settings) => {
    expect(tableBelow(heading)).toEqual(settings.map(row));
  });

  it.each([
    ['### Of the server', UNUSED_SERVER_KEYS],
    ['### Of readers', UNUSED_READER_KEYS],
  ])('says below %s why each accepted key means nothing, and has no other', (heading, keys) => {
    expect(tableBelow(heading)).toEqual([...keys].map(([key, why]) => `| \`${key}\` | ${why} |`));
  });
});

// docs/security.md is written for people, but its limits must be those of the program, and the tests that it names must be there.
import { readFileSync } from 'node:fs';
import { ERROR_CODES } from 'takeoff-wire';
import { describe, expect, it } from 'vitest';
import { SERVER_SETTINGS } from './config/server-settings.js';
import { SUSPICION_MS } from './gateway/answer/suspects.js';
import {
  MAX_PART_HEADER_BYTES,
  MAX_PART_HEADERS,
  MAX_PARTS,
  CLIENT_STALL_MS,
} from './gateway/http/connection/http-limits.js';
import { DECODER_POOL_DEFAULTS } from './gateway/intake/decoder-pool.js';
import { MAX_SIDE_PX } from './gateway/intake/header.js';
import { FETCH_SLOTS_DEFAULTS } from './gateway/intake/remote/fetch-slots.js';
import { FETCHER_DEFAULTS } from './gateway/intake/remote/fetcher.js';
import { RETURN_WAIT_MS } from './gateway/readers/reader-group.js';

const root = new URL('../../', import.meta.url);
const page = readFileSync(new URL('docs/security.md', root), 'utf8');

/** Rows of a table, cell by cell, without the padding that the formatter adds. */
const rowsOf = (heading: string): string[][] =>
  (page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

const limits = rowsOf('Limits');
const cases = rowsOf('How it is tested');

describe('the limits of docs/security.md', () => {
  it.each(limits.filter(([, setting]) => setting !== 'fixed'))('%s: %s is %s', (_, setting, standard) => {
    const facts = SERVER_SETTINGS.map((known) => known.facts).find(({ key }) => `\`${key}\`` === setting);
    expect(facts?.defaultText === '' ? 'none' : facts?.defaultText).toBe(standard);
  });

  it.each([
    ['Parts of a multipart body', MAX_PARTS],
    ['Headers of a part', MAX_PART_HEADERS],
    ["Bytes of a part's headers", MAX_PART_HEADER_BYTES],
    ['Longest side, pixels', MAX_SIDE_PX],
    ['Images that wait for that', DECODER_POOL_DEFAULTS.maxWaiting],
    ['Memory that a decoder keeps after an image, MiB', DECODER_POOL_DEFAULTS.maxResidentBytes / 2 ** 20],
    ['Redirects', FETCHER_DEFAULTS.maxRedirects],
    ['Remote images that wait for that', FETCH_SLOTS_DEFAULTS.maxWaiting],
    ['Time that a request waits for a reader that comes back', RETURN_WAIT_MS],
    ['Time that a request is refused which readers die of', SUSPICION_MS],
    ['Time that a client takes no byte of its answer', CLIENT_STALL_MS],
  ])('%s: fixed at %i', (what, value) => {
    expect(limits.find(([name]) => name === what)?.slice(1, 3)).toEqual(['fixed', String(value)]);
  });

  it.each(limits)('%s: the answer is a code of the program, or none', (...cells) => {
    const answer = cells.at(-1) ?? '';
    if (!answer.startsWith('none')) expect(Object.keys(ERROR_CODES)).toContain(answer.replaceAll('`', ''));
  });
});

describe('the cases of docs/security.md', () => {
  it('are numbered from 1 to 24', () => {
    expect(cases.map(([number]) => Number(number))).toEqual(
      Array.from({ length: 24 }, (_, index) => index + 1),
    );
  });

  it.each(cases)('case %s (%s) has a test of its name in each file', (number, _, files = '') => {
    const named = files.match(/[\w/.-]+\.test\.ts/gu) ?? [];
    expect(named).not.toEqual([]);
    for (const file of named)
      expect(readFileSync(new URL(file, root), 'utf8'), file).toContain(`case ${number}:`);
  });
});

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFileOutput, recordOf, type RecordFormatName } from './file-output.js';
import type { Description } from './outcome.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-output-'));
  file = path.join(folder, 'out');
});
afterEach(() => rmSync(folder, { recursive: true }));

const description = (name: string, text = `of ${name}`): Description => ({
  path: name,
  text,
  finishReason: 'stop',
  promptTokens: 1,
  imageTokens: 2,
  generatedTokens: 3,
});
const FORMATS: readonly RecordFormatName[] = ['jsonl', 'csv'];
const read = (): string => readFileSync(file, 'utf8');

/** Names with every character that a format has to quote. */
const NAMES = ['plain.png', 'a "b".png', 'c,d.png', 'line\nbreak.png', 'ünï 🐈.png'];

describe.each(FORMATS)('%s output', (format) => {
  async function write(names: readonly string[], retriesFailed = false): Promise<void> {
    await using output = await openFileOutput(file, format, retriesFailed);
    for (const name of names)
      if ((await output.has(name)) === 'no') await output.describe(description(name, `"${name}"\n, x`));
  }

  it('knows the images of earlier runs, under any spelling of their paths', async () => {
    await write(NAMES);
    await using output = await openFileOutput(file, format, false);
    for (const name of NAMES) expect(await output.has(name), name).toBe('described');
    expect(await output.has(path.resolve('plain.png'))).toBe('described');
    expect(await output.has('./x/../plain.png')).toBe('described');
    expect(await output.has('other.png')).toBe('no');
  });

  it('cuts off half a record, at whatever byte an earlier run was killed', async () => {
    await write(NAMES);
    const whole = readFileSync(file);
    for (let length = 0; length < whole.length; length += 1) {
      writeFileSync(file, whole.subarray(0, length));
      await write(NAMES);
      // The run describes the missing images in the same order, so the repaired file equals the whole one.
      expect(read(), `cut at byte ${length}`).toBe(whole.toString());
    }
  });

  it('keeps records apart that are written at the same time', async () => {
    const names = Array.from({ length: 200 }, (_, n) => `${n}.png`);
    {
      await using output = await openFileOutput(file, format, false);
      await Promise.all(names.map((name) => output.describe(description(name, name.repeat(500)))));
    }
    expect(
      read().endsWith(names.map((name) => recordOf(format, description(name, name.repeat(500)))).join('')),
    ).toBe(true);
  });

  it('lists failures in a file of their own, which is made at the first failure', async () => {
    const failure = { path: 'broken.png', code: 'image.undecodable', message: 'It is broken.' };
    {
      await using output = await openFileOutput(file, format, false);
      expect(existsSync(`${file}.failed.jsonl`)).toBe(false);
      await Promise.all([output.fail(failure), output.fail({ ...failure, path: 'b2.png' })]);
    }
    const lines = readFileSync(`${file}.failed.jsonl`, 'utf8').trimEnd().split('\n');
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      path: 'broken.png',
      error: { code: 'image.undecodable', message: 'It is broken.' },
    });
    {
      await using output = await openFileOutput(file, format, false);
      expect(await output.has('broken.png')).toBe('failed');
    }
    await using output = await openFileOutput(file, format, true);
    expect(await output.has('broken.png')).toBe('no');
    expect(existsSync(`${file}.failed.jsonl`)).toBe(false);
  });
});

it.each([
  ['jsonl', 'words\n'],
  ['jsonl', '{"path":"a"}\n{"path":5}\n{"path":"b"}\n'],
  ['jsonl', 'null\n'],
  ['csv', 'path\nx\n'],
  ['csv', 'path,text,finish_reason,prompt_tokens,image_tokens,generated_tokens\nonly,two\n'],
] as const)('a file that is no %s output (%j) is refused and not touched', async (format, content) => {
  writeFileSync(file, content);
  await expect(openFileOutput(file, format, false)).rejects.toMatchObject({
    code: 'config.invalid',
    message: expect.stringContaining(file) as string,
  });
  expect(read()).toBe(content);
});

it('openFileOutput refuses a file that cannot be written', async () => {
  await expect(openFileOutput(path.join(folder, 'no', 'out'), 'jsonl', false)).rejects.toMatchObject({
    code: 'config.invalid',
    message: expect.stringContaining('cannot be written') as string,
  });
});

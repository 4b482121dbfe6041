import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readOwnTemplate } from './own-template.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'takeoff-template-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: unknown) =>
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
const read = () => readOwnTemplate(folder, readdirSync(folder));

describe('readOwnTemplate', () => {
  it('finds none where there is none', async () => {
    write('tokenizer_config.json', { legacy: true });
    write('processor_config.json', { chat_template: null });
    expect(await read()).toMatchObject({ template: null, warnings: [] });
  });

  it('takes a file of its own first, then the processor, then the tokenizer', async () => {
    const places = [
      ['tokenizer_config.json', false],
      ['processor_config.json', true],
      ['chat_template.json', true],
      ['chat_template.jinja', true],
    ] as const;
    for (const [place, isForThisModel] of places) {
      const jinja = `${place} with an <image>`;
      write(place, place.endsWith('.json') ? { chat_template: jinja } : jinja);
      expect((await read()).template).toEqual({ jinja, place, isForThisModel });
    }
  });

  it('takes a file of its own that knows no images for that of the language model', async () => {
    write('chat_template.jinja', '[INST]{{ messages[0].content }}[/INST]');
    expect((await read()).template).toMatchObject({ place: 'chat_template.jinja', isForThisModel: false });
  });

  it('takes the one called default of several, or the only one', async () => {
    const named = (...names: string[]) => names.map((name) => ({ name, template: `${name}!` }));
    for (const [chat_template, jinja] of [
      [named('tool_use', 'default'), 'default!'],
      [named('rag'), 'rag!'],
      [{ default: 'a', other: 'b' }, 'a'],
      [named('rag', 'tool_use'), undefined],
      [[], undefined],
      ['  ', undefined],
    ] as const) {
      write('tokenizer_config.json', { chat_template });
      expect((await read()).template?.jinja).toBe(jinja);
    }
  });

  it('warns of a file that cannot be read, and goes on', async () => {
    write('chat_template.json', '{');
    write('processor_config.json', { chat_template: 7 });
    write('tokenizer_config.json', { chat_template: 'found' });
    const { template, warnings, sourceFiles } = await read();
    expect(template?.jinja).toBe('found');
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toMatch(
      /^chat_template\.json: .+ The chat template in it, if there is one, is not used\.$/u,
    );
    expect(sourceFiles).toHaveLength(3);
  });

  it('follows no link out of the folder', async () => {
    symlinkSync('/etc/hostname', join(folder, 'chat_template.jinja'));
    const { template, warnings } = await read();
    expect(template).toBeNull();
    expect(warnings).toHaveLength(1);
  });
});

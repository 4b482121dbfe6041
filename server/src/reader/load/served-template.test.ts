import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, InputError } from '../../errors.js';
import type { ModelDescription } from '../../model/description.js';
import { createEchoModel } from './echo-model.js';
import { serveTemplate } from './served-template.js';

const ECHO = createEchoModel({
  contextTokens: 64,
  cells: 64,
  maxSequences: 1,
  slots: 1,
  maxRows: 64,
  rowGroup: 1,
}).description;
const END = { id: 300, content: '<|end|>', special: true, lstrip: false, rstrip: false };
const described = (over: Partial<ModelDescription>): ModelDescription => ({
  ...ECHO,
  tokenizer: { ...ECHO.tokenizer, addedTokens: [...ECHO.tokenizer.addedTokens, END] },
  ...over,
});
const GOOD =
  "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ '<|end|>' if m.role == 'assistant' }}{% endfor %}";
const question = {
  system: null,
  turns: [{ role: 'user' as const, parts: [{ kind: 'text' as const, text: 'a' }] }],
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'takeoff-served-template-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string, content: string) => {
  writeFileSync(join(folder, name), content);
  return { kind: 'file' as const, path: join(folder, name) };
};

describe('serveTemplate', () => {
  it('takes the template that the model was described with, and says why', () => {
    const served = serveTemplate(null, described({ template: 'mpt', templateReason: 'it is so' }));
    expect(served.template.stopStrings).toEqual(['<|im_end|>']);
    expect(served).toMatchObject({
      conclusion: 'conversations are rendered with mpt (it is so)',
      warning: null,
    });
  });

  it('takes a fixed template of the setting before that of the model', () => {
    const description = described({ template: { jinja: GOOD, place: 'chat_template.jinja' } });
    const served = serveTemplate({ kind: 'named', name: 'plain' }, description);
    expect(served.conclusion).toBe('conversations are rendered with plain (chat_template says so)');
    expect(served.description.tokenizer.eosIds).toEqual(ECHO.tokenizer.eosIds);
  });

  it('renders with the chat template of the model, and ends answers with the token that it writes after them', () => {
    const description = described({
      template: { jinja: GOOD, place: 'chat_template.jinja' },
      templateReason: 'the model has one of its own',
    });
    const served = serveTemplate(null, description);
    expect(served.template.render(question)).toEqual([
      { kind: 'text', text: '<|user|>' },
      { kind: 'text', text: 'a' },
    ]);
    expect(served.description.tokenizer.eosIds).toEqual([...ECHO.tokenizer.eosIds, END.id]);
    expect(served.conclusion).toBe(
      'conversations are rendered with the chat template of chat_template.jinja (the model has one of its own); it takes the content of a message as a text',
    );
  });

  it('refuses the conversations of a model whose chat template cannot be used, and warns at once', () => {
    const description = described({
      template: { jinja: '{{ messages | sort }}', place: 'tokenizer_config.json' },
    });
    const { template, warning } = serveTemplate(null, description);
    expect(warning).toMatch(
      /^The chat template of tokenizer_config\.json cannot be used: it uses the filter sort, which is not supported \(line 1\)\. .+ Until then requests with use_chat_template are refused\.$/u,
    );
    expect(() => template.render(question)).toThrow(InputError);
  });

  it('reads a file of the setting, Jinja or JSON', () => {
    const description = described({});
    for (const setting of [file('a.jinja', GOOD), file('a.json', JSON.stringify({ chat_template: GOOD }))])
      expect(serveTemplate(setting, description).template.render(question)).toHaveLength(2);
  });

  it('stops the start where the file of the setting cannot be used', () => {
    for (const [setting, reason] of [
      [{ kind: 'file', path: join(folder, 'none.jinja') }, 'which cannot be read'],
      [file('empty.jinja', ' \n'), 'in which there is no template'],
      [
        file('bad.jinja', '{% for %}'),
        'chat_template is ' +
          join(folder, 'bad.jinja') +
          ': The chat template of bad.jinja cannot be used: it cannot be parsed',
      ],
      [{ kind: 'file', path: folder }, 'which is no file'],
      [file('bad.json', '{'), 'not valid JSON'],
      [file('large.jinja', 'x'.repeat(2 ** 22 + 1)), 'which has 4194305 bytes'],
    ] as const) {
      expect(() => serveTemplate(setting, described({}))).toThrow(ConfigError);
      expect(() => serveTemplate(setting, described({}))).toThrow(reason);
    }
  });
});

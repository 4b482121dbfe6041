// Chat templates through the whole program: one that a checkpoint brings, one that the configuration names, one that cannot be used.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { imageForm, jsonRequest } from './requests.js';

const DEMO = fileURLToPath(new URL('../../models/demo/', import.meta.url));
const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-chat-template-'));
afterAll(() => rmSync(folder, { recursive: true }));

let server: RunningServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});
const start = async (env: Record<string, string>, waitsForReader = true) => {
  server = await RunningServer.start({
    env: { TAKEOFF_HUB_OFFLINE: 'true', TAKEOFF_REPOSITORY_PATH: path.join(folder, 'cache'), ...env },
    waitsForReader,
  });
  return server;
};

/** The demo model without the key that names its template, and with files of its own. */
function checkpoint(name: string, files: Readonly<Record<string, string>>): string {
  const copy = path.join(folder, name);
  cpSync(path.join(DEMO, 'checkpoint'), copy, { recursive: true });
  const config = JSON.parse(readFileSync(path.join(copy, 'config.json'), 'utf8')) as Record<string, unknown>;
  delete config['conversation_template'];
  writeFileSync(path.join(copy, 'config.json'), JSON.stringify(config));
  for (const [file, content] of Object.entries(files)) writeFileSync(path.join(copy, file), content);
  return copy;
}

const image = new Uint8Array(readFileSync(path.join(DEMO, 'images/two-shapes.jpg')));
async function ask({ url }: RunningServer, request: object): Promise<unknown> {
  const body = imageForm(image, { max_new_tokens: 24, ...request });
  return (await fetch(`${url}/image_generate`, { method: 'POST', body })).json();
}

describe('a chat template', () => {
  it('of a checkpoint renders conversations as the same prompt typed by hand', async () => {
    const template =
      "{% for m in messages %}{% for c in m.content if c.type == 'image' %}{{ '<image>\\n' }}{% endfor %}" +
      "{% for c in m.content if c.type == 'text' %}{{ c.text | trim }}{% endfor %}{{ '\n' }}{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}";
    const model = checkpoint('own', { 'chat_template.jinja': template });
    const running = await start({ TAKEOFF_MODEL_NAME: model, TAKEOFF_QUANT_TYPE: 'f32' });
    expect(running.output).toContain(
      'conversations are rendered with the chat template of chat_template.jinja',
    );
    const templated = await ask(running, { text: '  Which shapes are there?\n', use_chat_template: true });
    const typed = await ask(running, { text: 'Which shapes are there?\nASSISTANT:' });
    expect(typed).toMatchObject({ text: expect.stringMatching(/\w/u) as unknown });
    expect(templated).toEqual(typed);
  }, 120_000);

  it('of a checkpoint that cannot be used is refused with what to do, while raw prompts are answered', async () => {
    const tokenizer = readFileSync(path.join(DEMO, 'checkpoint/tokenizer_config.json'), 'utf8');
    const config = { ...(JSON.parse(tokenizer) as object), chat_template: 'a\n{{ messages | sort }}' };
    const model = checkpoint('refused', { 'tokenizer_config.json': JSON.stringify(config) });
    const running = await start({ TAKEOFF_MODEL_NAME: model });
    expect(running.output).toContain('it uses the filter sort, which is not supported (line 2)');
    expect(await ask(running, { text: 'What is it?', use_chat_template: true })).toMatchObject({
      error: {
        code: 'request.template_failed',
        message: expect.stringContaining('Set chat_template to') as unknown,
      },
    });
    expect(await ask(running, { text: 'USER: What is it?\nASSISTANT:' })).toHaveProperty('text');
  }, 120_000);

  it('of the configuration renders conversations, its own refusals included', async () => {
    const file = path.join(folder, 'mine.jinja');
    writeFileSync(
      file,
      "{% for m in messages %}{{ raise_exception('No cats.') if 'cat' in m.content }}({{ m.content }}){% endfor %}",
    );
    const running = await start({ TAKEOFF_ECHO: 'true', TAKEOFF_CHAT_TEMPLATE: file });
    const answer = async (text: string) =>
      (await fetch(`${running.url}/generate`, jsonRequest({ text, use_chat_template: true }))).json();
    expect(await answer('</s> a')).toMatchObject({ text: '(</s> a)' });
    expect(await answer('a cat')).toMatchObject({
      error: {
        code: 'request.template_failed',
        message: `The chat template of mine.jinja refuses the conversation: No cats.`,
      },
    });
  }, 60_000);

  it('of the configuration that is not there stops the start with the path', async () => {
    const missing = path.join(folder, 'missing.jinja');
    await expect(start({ TAKEOFF_ECHO: 'true', TAKEOFF_CHAT_TEMPLATE: missing })).rejects.toThrow(
      `chat_template is ${missing}, which cannot be read.`,
    );
  }, 60_000);
});

// The published clients of npm in a temporary folder, pinned, against the demo model: the examples of docs/openai.md as printed, and
// the calls that differ between clients. Downloads packages, so it runs under `npm run test:openai` only.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { isLongForm } from '../long-form.js';
import { examplesOf, ROOT, runProgram } from '../client/page-examples.js';

const isAsked = isLongForm('test:openai');
const PACKAGES = {
  openai: '6.49.0',
  ai: '6.0.326',
  '@ai-sdk/openai': '3.0.141',
  '@ai-sdk/openai-compatible': '2.0.92',
  '@langchain/core': '1.4.0',
  '@langchain/openai': '1.5.8',
  zod: '4.6.7',
};
const INSTALL_TIMEOUT_MS = 300_000;

const DESCRIPTION =
  'The picture shows a large yellow triangle on the right and a large purple circle at the bottom on a white background.';

const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-npm-clients-'));
let server: RunningServer;
beforeAll(async () => {
  if (!isAsked) return;
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ type: 'module', dependencies: PACKAGES }),
  );
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent'], { cwd: folder });
  symlinkSync(path.join(ROOT, 'models'), path.join(folder, 'models'));
  server = await RunningServer.start({ args: ['--repository-path', path.join(folder, 'cache')] });
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  if (isAsked) await server.stop();
  rmSync(folder, { recursive: true });
});

/** What a program prints when it ends well. */
async function printed(code: string): Promise<string> {
  const { out, ...end } = await runProgram(code, server, folder);
  expect(end).toEqual({ code: 0, err: '' });
  return out;
}

const OPENAI = `
import OpenAI from 'openai';
const client = new OpenAI({ baseURL: 'http://localhost:3003/v1', apiKey: 'unused', maxRetries: 0 });
const print = (value) => console.log(JSON.stringify(value));
const ask = (fields) => client.chat.completions.create({ model: 'primary', temperature: 0, messages: [{ role: 'user', content: 'Hello.' }], ...fields });
`;
const AI_SDK = `
import { readFileSync } from 'node:fs';
import { generateText, streamText } from 'ai';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
const openai = createOpenAI({ baseURL: 'http://localhost:3003/v1', apiKey: 'unused' });
const compatible = createOpenAICompatible({ name: 'takeoff', baseURL: 'http://localhost:3003/v1', includeUsage: true });
const messages = [{ role: 'user', content: [{ type: 'text', text: 'Describe the image.' }, { type: 'image', image: readFileSync('models/demo/images/two-shapes.jpg') }] }];
`;
const LANGCHAIN = `
import { readFileSync } from 'node:fs';
import { AIMessage, HumanMessage, SystemMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
const model = new ChatOpenAI({ model: 'primary', apiKey: 'unused', temperature: 0, maxRetries: 0, configuration: { baseURL: 'http://localhost:3003/v1' } });
const data = readFileSync('models/demo/images/two-shapes.jpg', 'base64');
`;

const examples = examplesOf('docs/openai.md', 'js').map((code, index) => [index + 1, code] as const);

describe.skipIf(!isAsked)('docs/openai.md', () => {
  it.each(examples)('has an example %i that prints the description of its image', async (_, code) => {
    expect((await printed(code)).trim()).toBe(DESCRIPTION);
  });
});

describe.skipIf(!isAsked)('openai-node', () => {
  it('lists and retrieves models', async () => {
    const code = `${OPENAI} for await (const { id } of client.models.list()) print(id); print((await client.models.retrieve('primary')).object);`;
    expect(await printed(code)).toBe('"primary"\n"model"\n');
  });

  it('gives the raw response and the parsed one of the same call, as its own API tests ask', async () => {
    const out = await printed(`${OPENAI}
      const calls = [
        client.chat.completions.create({ messages: [{ content: 'string', role: 'developer' }], model: 'gpt-5.4' }),
        client.completions.create({ model: 'gpt-3.5-turbo-instruct', prompt: 'This is a test.' }),
        client.responses.create({ model: 'gpt-5.4', input: 'string' }),
        client.models.list(),
      ];
      for (const call of calls) {
        const raw = await call.asResponse();
        const { data, response, request_id: id } = await call.withResponse();
        print([raw instanceof Response, response === raw, data === (await call), id.length]);
      }`);
    expect(out).toBe('[true,true,true,36]\n'.repeat(4));
  });

  it('collects a stream with its usage, reason and log probabilities', async () => {
    const out = await printed(`${OPENAI}
      const stream = client.chat.completions.stream({ model: 'primary', temperature: 0, messages: [{ role: 'user', content: 'Hello.' }], logprobs: true, top_logprobs: 2, stream_options: { include_usage: true } });
      const { choices: [choice], usage } = await stream.finalChatCompletion();
      const whole = await ask({});
      print([choice.message.content === whole.choices[0].message.content, choice.finish_reason, choice.logprobs.content.length === usage.completion_tokens, usage.total_tokens === whole.usage.total_tokens]);`);
    expect(out).toBe('[true,"stop",true,true]\n');
  });

  it('builds a response from its events', async () => {
    const out = await printed(`${OPENAI}
      const stream = client.responses.stream({ model: 'primary', temperature: 0, input: 'Hello.' });
      let deltas = '';
      stream.on('response.output_text.delta', ({ delta }) => (deltas += delta));
      const { output_text: text, status } = await stream.finalResponse();
      print([text === deltas, status, text === (await ask({})).choices[0].message.content]);`);
    expect(out).toBe('[true,"completed",true]\n');
  });

  it('throws errors with param and code, and the id of the request', async () => {
    const out = await printed(`${OPENAI}
      try { await ask({ top_p: 2 }); } catch (error) {
        print([error instanceof OpenAI.BadRequestError, error.param, error.code, error.requestID.length]);
      }
      try { await client.models.retrieve('missing/model'); } catch (error) {
        print([error instanceof OpenAI.NotFoundError, error.code]);
      }`);
    expect(out).toBe('[true,"top_p","request.field_invalid",36]\n[true,"model_not_found"]\n');
  });

  it('completes prompts, and aborts a stream that it leaves', async () => {
    const out = await printed(`${OPENAI}
      const { choices } = await client.completions.create({ model: 'primary', prompt: ['USER: Hello.\\nASSISTANT:', 'a'], temperature: 0, max_tokens: 4 });
      print(choices.map(({ index, finish_reason }) => [index, finish_reason]));
      for await (const chunk of await ask({ stream: true, min_tokens: 1500, max_tokens: 1500 })) if (chunk.choices[0].delta.content) break;
      print('left');`);
    expect(out).toBe('[[0,"length"],[1,"length"]]\n"left"\n');
  });
});

describe.skipIf(!isAsked)('the AI SDK', () => {
  it.each(["openai('primary')", "openai.chat('primary')", "compatible('primary')"])(
    'with %s generates and streams the same text, with usage',
    async (model) => {
      const out = await printed(`${AI_SDK}
        const whole = await generateText({ model: ${model}, temperature: 0, messages });
        const stream = streamText({ model: ${model}, temperature: 0, messages });
        let text = '';
        for await (const piece of stream.textStream) text += piece;
        const usage = await stream.usage;
        console.log(JSON.stringify([whole.text, text === whole.text, usage.inputTokens === whole.usage.inputTokens, usage.outputTokens > 0, await stream.finishReason]));`);
      expect(JSON.parse(out)).toEqual([DESCRIPTION, true, true, true, 'stop']);
    },
  );
});

describe.skipIf(!isAsked)('LangChain.js', () => {
  it.each([
    "{ type: 'image_url', image_url: { url: `data:image/jpeg;base64,${data}` } }",
    "{ type: 'image', source_type: 'base64', mime_type: 'image/jpeg', data }",
    "{ type: 'image', mimeType: 'image/jpeg', data }",
  ])('sends an image as %s', async (block) => {
    const out = await printed(`${LANGCHAIN}
      const { content } = await model.invoke([new HumanMessage({ content: [{ type: 'text', text: 'Describe the image.' }, ${block}] })]);
      console.log(content);`);
    expect(out.trim()).toBe(DESCRIPTION);
  });

  it('streams a conversation of several turns with its usage', async () => {
    const out = await printed(`${LANGCHAIN}
      const messages = [new SystemMessage('Be brief.'), new HumanMessage('Hello.'), new AIMessage('Hi.'), new HumanMessage('Is there a circle?')];
      const whole = await model.invoke(messages);
      let text = '';
      let usage;
      for await (const chunk of await model.stream(messages)) { text += chunk.content; usage = chunk.usage_metadata ?? usage; }
      console.log(JSON.stringify([text === whole.content, usage.total_tokens === whole.usage_metadata.total_tokens]));`);
    expect(out).toBe('[true,true]\n');
  });
});

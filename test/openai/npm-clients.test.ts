// The published clients of npm in a temporary folder, pinned, against the demo model: the examples of docs/openai.md, docs/anthropic.md and docs/ollama.md as printed, and,
// under `npm run test:openai`, the calls that differ between clients.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { isLongForm } from '../../harness/long-form.js';
import { examplesOf, ROOT, runProgram } from '../client/page-examples.js';

const isAsked = isLongForm('test:openai');
/** What the examples import. */
const IN_EXAMPLES = {
  openai: '6.49.0',
  ai: '6.0.326',
  '@ai-sdk/openai-compatible': '2.0.92',
  '@anthropic-ai/sdk': '1.14.0',
  '@langchain/core': '1.4.0',
  '@langchain/ollama': '1.3.0',
  '@langchain/openai': '1.5.8',
  ollama: '0.6.4',
  zod: '4.6.7',
};
const PACKAGES = isAsked
  ? { ...IN_EXAMPLES, '@ai-sdk/openai': '3.0.141', '@huggingface/inference': '4.13.30' }
  : IN_EXAMPLES;
/** What npm says where it reaches no registry. */
const NO_REGISTRY = /\b(?:EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ENOTCACHED|ENOTFOUND|ETIMEDOUT)\b/u;
const INSTALL_TIMEOUT_MS = 300_000;

const DESCRIPTION =
  'The picture shows a large yellow triangle on the right and a large purple circle at the bottom on a white background.';

const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-npm-clients-'));
let server: RunningServer;
const areThere = install();
beforeAll(async () => {
  if (areThere)
    server = await RunningServer.start({ args: ['--repository-path', path.join(folder, 'cache')] });
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  if (areThere) await server.stop();
  rmSync(folder, { recursive: true });
});

/** Whether npm had or could download them. Who asks for these tests wants to know why it could not. */
function install(): boolean {
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ type: 'module', dependencies: PACKAGES }),
  );
  symlinkSync(path.join(ROOT, 'models'), path.join(folder, 'models'));
  const words = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--no-update-notifier'];
  const npm = spawnSync('npm', words, { cwd: folder, encoding: 'utf8', timeout: INSTALL_TIMEOUT_MS });
  const { status, signal, stderr } = npm;
  if (status === 0) return true;
  if (isAsked || (signal === null && !NO_REGISTRY.test(stderr)))
    throw new Error(`npm installed no clients: ${stderr}`);
  process.stdout.write('npm reaches no registry: the examples for its clients are not run.\n');
  return false;
}

/** What a program prints when it ends well. */
async function printed(code: string, asked = server): Promise<string> {
  const { out, ...end } = await runProgram(code, asked, folder);
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

const numbered = (page: string) => examplesOf(page, 'js').map((code, index) => [index + 1, code] as const);

describe.skipIf(!areThere).each(['docs/openai.md', 'docs/anthropic.md', 'docs/ollama.md'])('%s', (page) => {
  it.each(numbered(page))('has an example %i that prints the description of its image', async (_, code) => {
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

describe.skipIf(!isAsked)('a stream with comment lines between its tokens', () => {
  let commenting: RunningServer;
  beforeAll(async () => {
    const args = ['--repository-path', path.join(folder, 'cache'), '--stream-comment-interval-ms', '1'];
    commenting = await RunningServer.start({ args });
  });
  afterAll(async () => {
    if (isAsked) await commenting.stop();
  });

  it('is parsed by openai-node, as a chat and as a response, and by the AI SDK with either', async () => {
    const out = await printed(
      `${AI_SDK}
      import OpenAI from 'openai';
      const raw = [];
      const keep = async (address, init) => { const response = await fetch(address, init); const [mine, theirs] = response.body.tee(); raw.push(new Response(mine).text()); return new Response(theirs, response); };
      const client = new OpenAI({ baseURL: 'http://localhost:3003/v1', apiKey: 'unused', maxRetries: 0, fetch: keep });
      const content = [{ type: 'text', text: 'Describe the image.' }, { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,' + readFileSync('models/demo/images/two-shapes.jpg', 'base64') } }];
      const texts = [];
      texts.push((await client.chat.completions.stream({ model: 'primary', temperature: 0, messages: [{ role: 'user', content }] }).finalChatCompletion()).choices[0].message.content);
      texts.push((await client.responses.stream({ model: 'primary', temperature: 0, input: [{ role: 'user', content: [{ type: 'input_text', text: content[0].text }, { type: 'input_image', image_url: content[1].image_url.url }] }] }).finalResponse()).output_text);
      for (const make of [createOpenAI, (options) => createOpenAICompatible({ name: 'takeoff', ...options })]) {
        const provider = make({ baseURL: 'http://localhost:3003/v1', apiKey: 'unused', fetch: keep });
        texts.push(await streamText({ model: provider('primary'), temperature: 0, messages }).text);
      }
      console.log(JSON.stringify([texts, (await Promise.all(raw)).map((text) => /^: still working$/mu.test(text))]));`,
      commenting,
    );
    expect(JSON.parse(out)).toEqual([Array(4).fill(DESCRIPTION), Array(4).fill(true)]);
  });
});

/** Small enough for any model to end, with what libraries make of optional values and ranges. */
const SHAPE = `
import { z } from 'zod';
const Shape = z.object({ colour: z.enum(['red', 'yellow']), count: z.int().min(0).max(9), size: z.enum(['big', 'small']).nullable() });
const isShape = (value) => Shape.safeParse(value).success;
const print = (value) => console.log(JSON.stringify(value));
`;

describe.skipIf(!isAsked)('answers of a form', () => {
  it('are parsed by openai-node, from chats and from responses, whole and streamed', async () => {
    const out = await printed(`${SHAPE}
      import OpenAI from 'openai';
      import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
      const client = new OpenAI({ baseURL: 'http://localhost:3003/v1', apiKey: 'unused', maxRetries: 0 });
      const chat = { model: 'primary', messages: [{ role: 'user', content: 'What is it?' }], response_format: zodResponseFormat(Shape, 'shape') };
      const response = { model: 'primary', input: 'What is it?', text: { format: zodTextFormat(Shape, 'shape') } };
      print(isShape((await client.chat.completions.parse(chat)).choices[0].message.parsed));
      print(isShape((await client.chat.completions.stream(chat).finalChatCompletion()).choices[0].message.parsed));
      print(isShape((await client.responses.parse(response)).output_parsed));
      print(isShape((await client.responses.stream(response).finalResponse()).output_parsed));
      try { await client.chat.completions.create({ ...chat, response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { not: {} } } } }); }
      catch (error) { print([error.param, error.code]); }`);
    const refusal = ['response_format.json_schema.schema', 'request.constraint_unsupported'];
    expect(out).toBe(`${'true\n'.repeat(4)}${JSON.stringify(refusal)}\n`);
  });

  it('are calls of functions for openai-node, which it parses, collects and runs', async () => {
    const out = await printed(`${SHAPE}
      import OpenAI from 'openai';
      import { zodFunction } from 'openai/helpers/zod';
      const client = new OpenAI({ baseURL: 'http://localhost:3003/v1', apiKey: 'unused', maxRetries: 0 });
      const tools = [zodFunction({ name: 'report', parameters: Shape }), zodFunction({ name: 'stop', parameters: z.object({}) })];
      const chat = { model: 'primary', messages: [{ role: 'user', content: 'Report.' }], tools };
      const named = { type: 'function', function: { name: 'report' } };
      const isCall = ({ message: { tool_calls: [call] }, finish_reason }) => [call.function.name === 'stop' || isShape(call.function.parsed_arguments), finish_reason];
      print(isCall((await client.chat.completions.parse({ ...chat, tool_choice: named })).choices[0]));
      print(isCall((await client.chat.completions.stream({ ...chat, tool_choice: 'required' }).finalChatCompletion()).choices[0]));
      const stream = client.responses.stream({ model: 'primary', input: 'Report.', tools: tools.map(({ function: one }) => ({ type: 'function', ...one })), tool_choice: 'required' });
      let deltas = '';
      stream.on('response.function_call_arguments.delta', ({ delta }) => (deltas += delta));
      const { output: [item], status } = await stream.finalResponse();
      print([item.type, item.arguments === deltas, status]);
      const run = (choice) => client.chat.completions.runTools({ ...chat, temperature: 0, tool_choice: choice, tools: [{ type: 'function', function: { name: 'report', parse: JSON.parse, function: (shape) => String(isShape(shape)), parameters: z.toJSONSchema(Shape) } }] });
      print(await run(named).finalFunctionToolCallResult());
      print((await run('auto').finalContent()).length > 0);`);
    expect(out).toBe(
      '[true,"tool_calls"]\n[true,"tool_calls"]\n["function_call",true,"completed"]\n"true"\ntrue\n',
    );
  });

  it.each(["openai('primary')", "openai.chat('primary')", "strict('primary')"])(
    'are objects and calls of tools for the AI SDK with %s',
    async (model) => {
      const out = await printed(`${SHAPE}
        import { generateObject, generateText, streamObject, streamText, tool } from 'ai';
        import { createOpenAI } from '@ai-sdk/openai';
        import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
        const openai = createOpenAI({ baseURL: 'http://localhost:3003/v1', apiKey: 'unused' });
        const strict = createOpenAICompatible({ name: 'takeoff', baseURL: 'http://localhost:3003/v1', supportsStructuredOutputs: true });
        const asked = { model: ${model}, prompt: 'What is it?' };
        const tools = { report: tool({ description: 'r', inputSchema: Shape }) };
        print(isShape((await generateObject({ ...asked, schema: Shape })).object));
        const objects = streamObject({ ...asked, schema: Shape });
        for await (const _ of objects.partialObjectStream);
        print(isShape(await objects.object));
        const named = await generateText({ ...asked, tools, toolChoice: { type: 'tool', toolName: 'report' } });
        print([isShape(named.toolCalls[0].input), named.finishReason]);
        const stream = streamText({ ...asked, tools, toolChoice: 'required' });
        for await (const _ of stream.fullStream);
        print([isShape((await stream.toolCalls)[0].input), await stream.finishReason]);`);
      expect(out).toBe('true\ntrue\n[true,"tool-calls"]\n[true,"tool-calls"]\n');
    },
  );

  it('are what LangChain.js and Hugging Face ask for', async () => {
    const out = await printed(`${SHAPE}
      import { ChatOpenAI } from '@langchain/openai';
      import { InferenceClient } from '@huggingface/inference';
      const model = new ChatOpenAI({ model: 'primary', apiKey: 'unused', maxRetries: 0, configuration: { baseURL: 'http://localhost:3003/v1' } });
      for (const method of ['jsonSchema', 'functionCalling'])
        print(isShape(await model.withStructuredOutput(Shape, { method, name: 'shape' }).invoke('What is it?')));
      const tool = { type: 'function', function: { name: 'report', parameters: z.toJSONSchema(Shape) } };
      print(isShape((await model.bindTools([tool], { tool_choice: 'any' }).invoke('Report.')).tool_calls[0].args));
      const client = new InferenceClient('unused', { endpointUrl: 'http://localhost:3003' });
      const response_format = { type: 'json_schema', json_schema: { name: 'shape', schema: z.toJSONSchema(Shape) } };
      const { choices } = await client.chatCompletion({ model: 'primary', messages: [{ role: 'user', content: 'What is it?' }], response_format });
      print(isShape(JSON.parse(choices[0].message.content)));`);
    expect(out).toBe('true\n'.repeat(4));
  });
});

describe.skipIf(!isAsked)('every parameter that openai-node knows and this server honours', () => {
  it('is taken together with the others, by each endpoint', async () => {
    const out = await printed(`${OPENAI}
      const shared = { model: 'primary', temperature: 1, top_p: 1, user: 'u', stream: false, metadata: { foo: 'string' }, store: false, service_tier: 'auto', safety_identifier: 's', prompt_cache_key: 'k' };
      const tool = { name: 'name', description: 'description', parameters: { foo: 'bar' }, strict: true };
      const chat = await client.chat.completions.create({ ...shared, messages: [{ role: 'developer', content: 'string', name: 'name' }], frequency_penalty: -2, presence_penalty: -2,
        logit_bias: { 5: 0 }, logprobs: true, top_logprobs: 0, max_completion_tokens: 4, modalities: ['text'], n: 1, parallel_tool_calls: true, prediction: { content: 'string', type: 'content' },
        reasoning_effort: 'none', response_format: { type: 'text' }, seed: -9007199254740991, stop: '\\n', tool_choice: 'none', tools: [{ type: 'function', function: tool }], verbosity: 'low' });
      const completion = await client.completions.create({ model: 'primary', prompt: 'a', best_of: 1, echo: false, frequency_penalty: -2, presence_penalty: -2, logit_bias: { 5: 0 }, logprobs: 0, max_tokens: 4, n: 1,
        seed: 0, stop: '\\n', stream: false, suffix: '', temperature: 1, top_p: 1, user: 'u' });
      const response = await client.responses.create({ ...shared, input: 'string', instructions: 'i', include: ['message.output_text.logprobs'], max_output_tokens: 4, parallel_tool_calls: true, background: false,
        reasoning: { effort: 'low' }, text: { format: { type: 'text' }, verbosity: 'low' }, tool_choice: 'auto', tools: [{ type: 'function', ...tool }], top_logprobs: 0, truncation: 'disabled' });
      print([chat.object, completion.object, response.object, response.tools[0].name, response.output_text.length > 0]);`);
    expect(out).toBe('["chat.completion","text_completion","response","name",true]\n');
  });
});

// The descriptions of the ports and a server with the demo model: their examples are what it answers, and what the client library sends
// and is answered is what they say. Of examples, what differs from answer to answer is compared by its form only.
import { TakeoffClient } from 'takeoff-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as anthropicExamples from 'takeoff-server/gateway/http/anthropic/anthropic-examples.js';
import type { Example } from 'takeoff-server/gateway/http/description/operation.js';
import * as nativeExamples from 'takeoff-server/gateway/http/native/native-examples.js';
import * as ollamaExamples from 'takeoff-server/gateway/http/ollama/ollama-examples.js';
import * as openaiExamples from 'takeoff-server/gateway/http/openai/openai-examples.js';
import * as tokenExamples from 'takeoff-server/gateway/http/tokens/token-examples.js';
import { RunningServer } from '../../harness/running-server.js';
import type { MediaType } from 'takeoff-server/gateway/http/description/openapi.js';
import { imageBytes } from '../process/demo-cases.js';
import { DescribedApi } from './described-api.js';

let server: RunningServer;
let apis: readonly DescribedApi[];
beforeAll(async () => {
  server = await RunningServer.start({ args: ['--reader-id', 'demo'] });
  apis = await Promise.all([server.url, server.managementUrl].map((url) => DescribedApi.read(url)));
});
afterAll(() => server.stop());

const EXAMPLES: readonly Example[] = [
  anthropicExamples,
  nativeExamples,
  ollamaExamples,
  openaiExamples,
  tokenExamples,
].flatMap((all) => Object.values(all));

it.each(EXAMPLES.map((example) => [JSON.stringify(example.answer).slice(0, 60), example] as const))(
  'the description shows the answer %s, and the demo model gives it',
  async (_, example) => {
    const address = addressOf(example);
    const response = await fetch(`${server.url}${address}`, { method: 'POST', ...bodyOf(example) });
    const text = await response.text();
    expect(response.status).toBe(example.status ?? 200);
    const answer: unknown = typeof example.answer === 'string' ? text : JSON.parse(text);
    expect(withoutChance(answer)).toEqual(withoutChance(example.answer));
  },
);

/** Of the operation whose document has the example. */
function addressOf({ answer, parameters = {} }: Example): string {
  const shown = JSON.stringify(answer);
  const found = Object.entries(apis[0]!.document.paths).find(([, { post }]) =>
    Object.values(post?.responses ?? {}).some(({ content = {} }) =>
      Object.values<MediaType>(content).some(({ examples = {} }) =>
        Object.values(examples).some(({ value }) => JSON.stringify(value) === shown),
      ),
    ),
  );
  return (found?.[0] ?? 'nowhere').replaceAll(/\{(\w+)\}/gu, (_, name: string) => parameters[name] ?? '');
}

function bodyOf({ body, image }: Example): Pick<RequestInit, 'body' | 'headers'> {
  const json = JSON.stringify(body);
  if (image === undefined) return { body: json, headers: { 'content-type': 'application/json' } };
  const form = new FormData();
  form.set('json_data', json);
  form.set('image_data', new Blob([imageBytes(`images/${image}`)]));
  return { body: form };
}

const BY_CHANCE = [
  ...['id', 'created', 'created_at', 'system_fingerprint', 'cached_tokens'],
  ...['input_tokens', 'cache_read_input_tokens', 'total_duration', 'prompt_eval_duration', 'eval_duration'],
];

/** With the types of ids, times and counts that depend on earlier requests in place of their values. */
function withoutChance(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutChance);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]: [string, unknown]) => [
      key,
      BY_CHANCE.includes(key) ? typeof one : withoutChance(one),
    ]),
  );
}

it('the client library sends what the descriptions tell, and is answered so', async () => {
  const faults: string[] = [];
  const client = new TakeoffClient({
    baseUrl: server.url,
    managementPort: Number(new URL(server.managementUrl).port),
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      faults.push(...(await faultsOfCall(url, init, response.clone())));
      return response;
    },
  });
  const image = imageBytes('images/one-shape.png');
  await client.generate('Hello', { maxNewTokens: 2, returnMetadata: true, useChatTemplate: true });
  await client.generate(['a', 'b'], { image, maxNewTokens: 2, samplingTopk: 3 });
  for await (const piece of client.generateStream(['a', 'b'], {
    image,
    maxNewTokens: 2,
    returnMetadata: true,
  }))
    expect(piece.text).toBeTypeOf('string');
  await client.count('a', { image });
  await client.tokenize('a', 'demo', { useChatTemplate: true });
  await client.detokenize([1, 300], 'demo');
  await client.chatTemplate([[{ role: 'user', content: 'a' }]], 'demo');
  await client.status();
  await client.managementStatus();
  await client.readers();
  await client.readerConfig('demo');
  await client.createReader({ model_name: 'no-such-model', reader_id: 'other', consumer_group: ['other'] });
  await client.deleteReader('other', { force: true });
  expect(faults).toEqual([]);
});

async function faultsOfCall(url: string, init: RequestInit, response: Response): Promise<string[]> {
  const { origin, pathname } = new URL(url);
  const api = apis.find((one) => one.url === origin)!;
  const method = init.method ?? 'GET';
  const path = pathname.replace(
    /(?<=^\/(?:tokenize|detokenize|chat_template|config|reader)\/).+/u,
    '{reader_id}',
  );
  const operation = api.operations.find((one) => one.method === method && one.path === path);
  if (operation === undefined) return [`${method} ${path} is not described`];
  const { schema } = operation.requestBody?.content['application/json'] ?? {};
  const { body } = init;
  const isUnknown =
    schema !== undefined && typeof body === 'string' && !api.isValidRequest(schema, JSON.parse(body));
  const answer = {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  };
  return [...(isUnknown ? ['the body is not described'] : []), ...api.faultsOf(operation, answer)].map(
    (fault) => `${method} ${path}: ${fault}`,
  );
}

// The examples of the API's description are what the demo model answers. What differs from answer to answer is compared by its form only.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Example } from 'takeoff-server/gateway/http/description/operation.js';
import * as nativeExamples from 'takeoff-server/gateway/http/native/native-examples.js';
import * as openaiExamples from 'takeoff-server/gateway/http/openai/openai-examples.js';
import * as tokenExamples from 'takeoff-server/gateway/http/tokens/token-examples.js';
import { RunningServer } from '../../harness/running-server.js';
import type { MediaType, OpenApiDocument } from 'takeoff-server/gateway/http/description/openapi.js';
import { imageBytes } from './demo-cases.js';

let server: RunningServer;
let document: OpenApiDocument;
beforeAll(async () => {
  server = await RunningServer.start({ args: ['--reader-id', 'demo'] });
  document = (await (await fetch(`${server.url}/openapi.json`)).json()) as OpenApiDocument;
});
afterAll(() => server.stop());

const EXAMPLES: readonly Example[] = [nativeExamples, openaiExamples, tokenExamples].flatMap((all) =>
  Object.values(all),
);

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
  const found = Object.entries(document.paths).find(([, { post }]) =>
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

const BY_CHANCE = ['id', 'created', 'created_at', 'system_fingerprint', 'cached_tokens'];

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

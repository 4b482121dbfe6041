// Texts that are hard to stream, through the whole program: the echo engine answers with its prompt, so every byte is known.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { eventsOf, jsonRequest, textOfStream } from './requests.js';

let server: RunningServer;
beforeAll(async () => {
  server = await RunningServer.start({
    env: { TAKEOFF_ECHO: 'true' },
    args: ['--reader-id', 'echo', '--loras', 'ocr=/adapters/ocr,style=/adapters/style.gguf'],
  });
});
afterAll(() => server.stop());

const TEXTS = [
  ' leading space',
  '  two',
  '\nnewline first',
  'a\n\n b\n',
  '🦙👩‍🚀🏳️‍🌈',
  ' \n \n ',
  'data: x\n\nevent: y',
  'é\u0301 日本語',
  ' ',
];

it.each(TEXTS)('the echo server streams %j byte for byte', async (text) => {
  const body = { text, max_new_tokens: 200 };
  const buffered = (await (await fetch(`${server.url}/generate`, jsonRequest(body))).json()) as {
    text: string;
  };
  expect(buffered.text).toBe(text);
  expect(await textOfStream(await fetch(`${server.url}/generate_stream`, jsonRequest(body)))).toBe(text);
});

it('the echo server interleaves the events of a batch of three, each with its batch_id', async () => {
  const texts = [' aaaaaaaa', '\nbbbbbbbb', '🦙cccccccc'];
  const order: number[] = [];
  const streamed = ['', '', ''];
  for await (const { data } of eventsOf(
    await fetch(`${server.url}/generate_stream`, jsonRequest({ text: texts })),
  )) {
    const event = JSON.parse(data) as { text: string; batch_id: number };
    streamed[event.batch_id] = (streamed[event.batch_id] ?? '') + event.text;
    order.push(event.batch_id);
  }
  expect(streamed).toEqual(texts);
  // Interleaved: the first prompt still has events after the second has begun.
  expect(order.lastIndexOf(0)).toBeGreaterThan(order.indexOf(1));
});

it('the echo server takes other adapters while it runs, and lets go of those that are not named', async () => {
  const change = await fetch(`${server.managementUrl}/reader/echo`, {
    ...jsonRequest({
      loras: { ocr: '/adapters/ocr', style: '/adapters/style.gguf', late: '/adapters/late' },
    }),
    method: 'PATCH',
  });
  expect(await change.json()).toMatchObject({ reader_id: 'echo', loras: { late: '/adapters/late' } });
  const ask = (lora: string) => fetch(`${server.url}/generate`, jsonRequest({ text: 'x', lora_id: lora }));
  expect((await ask('late')).status).toBe(200);
  const dropped = await fetch(`${server.managementUrl}/reader/echo`, {
    ...jsonRequest({ loras: { ocr: '/adapters/ocr', style: '/adapters/style.gguf' } }),
    method: 'PATCH',
  });
  expect([dropped.status, (await ask('late')).status]).toEqual([200, 400]);
});

it('the echo server answers through an adapter by its name, and refuses any other with the names there are', async () => {
  const ask = (lora: string) => fetch(`${server.url}/generate`, jsonRequest({ text: 'x', lora_id: lora }));
  expect(((await (await ask('style')).json()) as { text: string }).text).toBe('x');
  const refused = await ask('other');
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({
    error: {
      code: 'request.unknown_lora',
      message: expect.stringContaining('are: "ocr", "style"') as string,
    },
  });
});

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { doneOf, tokenOf } from '../answer/message.fixture.js';
import { RequestRecord } from '../answer/request-record.js';
import { openTraces, type RequestTraces } from './request-traces.js';

const value = z.object({ stringValue: z.string().optional(), intValue: z.number().optional() });
const attributes = z.array(z.object({ key: z.string(), value }));
const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  startTimeUnixNano: z.string(),
  endTimeUnixNano: z.string(),
  attributes,
  status: z.object({ code: z.number(), message: z.string().optional() }),
});
const exportSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })),
    }),
  ),
});
type Span = z.infer<typeof spanSchema>;

let server: Server | undefined;
afterEach(() => {
  server?.close();
});

/** A collector that keeps the bodies that it gets. */
async function collector() {
  const received: { readonly path: string | undefined; readonly body: unknown }[] = [];
  server = createServer((request, response) => {
    void json(request).then((body) => {
      received.push({ path: request.url, body });
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const spans = (): Span[] =>
    received
      .flatMap(({ body }) => exportSchema.parse(body).resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  return { host: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received, spans };
}

const open = (host: string, lines: string[] = []): Promise<RequestTraces> =>
  openTraces({ host, version: '1.2.3' }, pino({ level: 'warn' }, { write: (line) => lines.push(line) }));

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT_ID = '00f067aa0ba902b7';

/** A request whose first byte came 200 ms ago, with times of every stage. */
async function answered(traceHeaders: Readonly<Record<string, string>> = {}): Promise<RequestRecord> {
  const arrivedAtMs = performance.now() - 200;
  const clock = { nowMs: arrivedAtMs + 5 };
  const source = { route: '/image_generate', requestId: 'request-1', traceHeaders };
  const record = new RequestRecord(arrivedAtMs, { source, clock: () => clock.nowMs });
  await record.whileDecodingImages(() => Promise.resolve((clock.nowMs += 20)));
  clock.nowMs += 90;
  record.hear(tokenOf('a'));
  clock.nowMs += 40;
  record.hear({ ...doneOf(), times: { visionMs: 30, prefillMs: 20, decodeMs: 40 } });
  return record;
}

const msOf = ({ startTimeUnixNano, endTimeUnixNano }: Span): number =>
  Math.round(Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6);

const tagsOf = (list: z.infer<typeof attributes>) =>
  Object.fromEntries(list.map(({ key, value: { stringValue, intValue } }) => [key, stringValue ?? intValue]));

describe('traces', () => {
  it('are sent with one span for the request and one for each stage, one behind the other', async () => {
    const { host, received, spans } = await collector();
    const traces = await open(host);
    const record = await answered();
    traces.trace({ consumerGroup: 'primary', promptCount: 1, record, failureCode: null });
    await traces.close();
    expect(received.map(({ path }) => path)).toEqual(['/v1/traces']);
    const [root, ...stages] = spans().toSorted((one, other) => msOf(other) - msOf(one));
    expect(root).toMatchObject({ name: 'POST /image_generate' });
    expect(root?.parentSpanId ?? '').toBe('');
    expect(Object.fromEntries(stages.map((span) => [span.name, msOf(span)]))).toEqual({
      receive: 5,
      decode_image: 20,
      queue: 40,
      vision: 30,
      prefill: 20,
      decode: 40,
    });
    for (const stage of stages)
      expect([stage.traceId, stage.parentSpanId]).toEqual([root?.traceId, root?.spanId]);
    const inOrder = stages.toSorted((one, other) =>
      one.startTimeUnixNano < other.startTimeUnixNano ? -1 : 1,
    );
    expect(inOrder.map(({ name }) => name)).toEqual([
      'receive',
      'decode_image',
      'queue',
      'vision',
      'prefill',
      'decode',
    ]);
    expect(inOrder[0]?.startTimeUnixNano).toBe(root?.startTimeUnixNano);
    expect(inOrder.at(-1)?.endTimeUnixNano).toBe(root?.endTimeUnixNano);
  });

  it('say who answered what, and nothing of the texts', async () => {
    const { host, received, spans } = await collector();
    const traces = await open(host);
    traces.trace({ consumerGroup: 'primary', promptCount: 1, record: await answered(), failureCode: null });
    await traces.close();
    const [first] = received.flatMap(({ body }) => exportSchema.parse(body).resourceSpans);
    expect(tagsOf(first?.resource.attributes ?? [])).toMatchObject({
      'service.name': 'takeoff',
      'service.version': '1.2.3',
    });
    const root = spans().find(({ name }) => name === 'POST /image_generate');
    expect(tagsOf(root?.attributes ?? [])).toEqual({
      'http.request.method': 'POST',
      'http.route': '/image_generate',
      'takeoff.request_id': 'request-1',
      'takeoff.consumer_group': 'primary',
      'takeoff.prompts': 1,
      'takeoff.image_tokens': 3,
      'takeoff.cached_tokens': 1,
      'gen_ai.usage.input_tokens': 7,
      'gen_ai.usage.output_tokens': 2,
    });
  });

  it('continue the trace of the client, and are not sent where it is not kept', async () => {
    const { host, spans } = await collector();
    const traces = await open(host);
    for (const flags of ['01', '00']) {
      const record = await answered({ traceparent: `00-${TRACE_ID}-${PARENT_ID}-${flags}` });
      traces.trace({ consumerGroup: 'primary', promptCount: 1, record, failureCode: null });
    }
    await traces.close();
    const roots = spans().filter(({ name }) => name === 'POST /image_generate');
    expect(roots).toMatchObject([{ traceId: TRACE_ID, parentSpanId: PARENT_ID }]);
  });

  it.each(['nonsense', `00-${'0'.repeat(32)}-${PARENT_ID}-01`, `ff-${TRACE_ID}-${PARENT_ID}-01`])(
    'begin anew where traceparent is %s',
    async (traceparent) => {
      const { host, spans } = await collector();
      const traces = await open(host);
      const record = await answered({ traceparent });
      traces.trace({ consumerGroup: 'primary', promptCount: 1, record, failureCode: null });
      await traces.close();
      const root = spans().find(({ name }) => name === 'POST /image_generate');
      expect(root?.traceId).toMatch(/^[0-9a-f]{32}$/u);
      expect(root?.traceId).not.toBe(TRACE_ID);
    },
  );

  it('name the code of what failed', async () => {
    const { host, spans } = await collector();
    const traces = await open(host);
    const record = new RequestRecord(performance.now() - 10);
    traces.trace({ consumerGroup: 'primary', promptCount: 1, record, failureCode: 'reader.died' });
    await traces.close();
    const root = spans().find(({ name }) => name === 'request');
    expect(root?.status).toEqual({ code: 2, message: 'reader.died' });
    expect(tagsOf(root?.attributes ?? [])).toMatchObject({ 'error.type': 'reader.died' });
  });

  it('that cannot be sent cost a line in the log and no request', async () => {
    const { host } = await collector();
    server?.close();
    const lines: string[] = [];
    const traces = await open(host, lines);
    traces.trace({ consumerGroup: 'primary', promptCount: 1, record: await answered(), failureCode: null });
    await traces.close();
    expect(lines.join('')).toContain('traces could not be sent');
  });
});

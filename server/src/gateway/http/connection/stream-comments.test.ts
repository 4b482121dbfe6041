import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SseDecoder } from 'takeoff-wire';
import { silent } from '../../readers/scripted-reader.fixture.js';
import { scriptedApp, type ScriptedApp } from '../scripted-app.fixture.js';
import { jsonRequest, RawClients, type RawClient } from './raw-client.fixture.js';

const INTERVAL_MS = 20;
const COMMENT = ': still working\n\n';
const TWO_COMMENTS = /: still working\n\n[\s\S]*: still working\n\n/u;

const STREAMS = [
  ['/generate_stream', { text: 'a' }],
  ['/v1/chat/completions', { model: 'primary', stream: true, messages: [{ role: 'user', content: 'a' }] }],
  ['/v1/completions', { model: 'primary', stream: true, prompt: 'a' }],
  ['/v1/responses', { model: 'primary', stream: true, input: 'a' }],
] as const;

const clients = new RawClients();
let app: ScriptedApp;
beforeEach(async () => {
  app = await scriptedApp({ script: silent, limits: { streamCommentIntervalMs: INTERVAL_MS } });
});
afterEach(async () => {
  clients.end();
  await app.close();
});

async function ask(path: string, body: unknown): Promise<{ client: RawClient; requestId: string }> {
  const client = await clients.connect(app.app);
  client.write(jsonRequest(path, body));
  const { requestId } = await app.readers.last.next('generate');
  return { client, requestId };
}

/** The body behind the head, without the sizes of its chunks. */
const bodyOf = ({ received }: RawClient): string =>
  received
    .slice(received.indexOf('\r\n\r\n') + 4)
    .split('\r\n')
    .filter((_, line) => line % 2 === 1)
    .join('');

const eventsOf = (client: RawClient) => new SseDecoder().push(Buffer.from(bodyOf(client)));

describe.each(STREAMS)('a stream of %s without a token', (path, body) => {
  it('sends its headers and comments, and then the same events as one that was quick', async () => {
    const slow = await ask(path, body);
    await slow.client.untilReceived(TWO_COMMENTS);
    expect(slow.client.received).toMatch(/^HTTP\/1.1 200 OK\r\n/u);
    expect(slow.client.received).toContain('content-type: text/event-stream');
    app.readers.last.token(slow.requestId, 'Yes');
    app.readers.last.done(slow.requestId);
    await slow.client.untilReceived(/\r\n0\r\n\r\n$/u);
    const quick = await ask(path, body);
    app.readers.last.token(quick.requestId, 'Yes');
    app.readers.last.done(quick.requestId);
    await quick.client.untilReceived(/\r\n0\r\n\r\n$/u);
    expect(bodyOf(slow.client).startsWith(COMMENT)).toBe(true);
    expect(withoutIds(eventsOf(slow.client))).toEqual(withoutIds(eventsOf(quick.client)));
  });

  it('tells a failure as its last event, in the form of its API', async () => {
    const { client, requestId } = await ask(path, body);
    await client.untilReceived(/: still working/u);
    const error = { code: 'request.does_not_fit', message: 'Too long.' } as const;
    app.readers.last.say({ kind: 'error', requestId, prompt: 0, ...error });
    await client.untilReceived(/\r\n0\r\n\r\n$/u);
    const last = eventsOf(client).at(-1);
    expect(last?.data).toContain('Too long.');
    expect(last?.name).toBe(path === '/generate_stream' || path === '/v1/responses' ? 'error' : 'message');
  });
});

const IDS_AND_TIMES = /[a-z]+[_-][0-9a-f]{20,}|"(?:created|created_at|completed_at)":\d+/gu;

const withoutIds = (events: ReturnType<typeof eventsOf>) =>
  events.map(({ name, data }) => ({ name, data: data.replaceAll(IDS_AND_TIMES, '') }));

it('cancels in the reader when the client leaves a stream that had comments only', async () => {
  const { client, requestId } = await ask('/generate_stream', { text: 'a' });
  await client.untilReceived(/: still working/u);
  client.socket.destroy();
  expect(await app.readers.last.next('cancel')).toEqual({ kind: 'cancel', requestId });
  expect(await app.inference.openAnswers.idle(20_000)).toBe(true);
});

it('sends no comment where they are off', async () => {
  const quiet = await scriptedApp({ script: silent, limits: { streamCommentIntervalMs: 0 } });
  try {
    const client = await clients.connect(quiet.app);
    client.write(jsonRequest('/generate_stream', { text: 'a' }));
    const { requestId } = await quiet.readers.last.next('generate');
    await new Promise((resolve) => setTimeout(resolve, 4 * INTERVAL_MS));
    expect(client.received).toBe('');
    quiet.readers.last.token(requestId, 'Yes');
    quiet.readers.last.done(requestId);
    await client.untilReceived(/data:Yes/u);
    expect(client.received).not.toContain('still working');
  } finally {
    await quiet.close();
  }
});

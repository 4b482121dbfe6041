import { EventEmitter, once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import type { ImagePayload } from '../../../link/requests/messages.js';
import { silent } from '../../readers/scripted-reader.fixture.js';
import { PYTHON_FORM } from '../native/multipart.fixture.js';
import { head, jsonRequest, RawClients } from './raw-client.fixture.js';
import { scriptedApp, type ScriptedApp, type ScriptedAppOptions } from '../scripted-app.fixture.js';

const clients = new RawClients();
let opened: ScriptedApp | undefined;

afterEach(async () => {
  clients.end();
  await opened?.close();
  opened = undefined;
});

async function open(options: ScriptedAppOptions): Promise<ScriptedApp> {
  opened = await scriptedApp(options);
  return opened;
}

it.each(['/generate', '/generate_stream'])(
  'cancels in the reader when the client of %s leaves before the first token',
  async (path) => {
    const { app, readers, inference } = await open({ script: silent });
    const client = await clients.connect(app);
    client.write(jsonRequest(path, { text: ['a', 'b'] }));
    const { requestId } = await readers.last.next('generate');
    client.socket.destroy();
    expect(await readers.last.next('cancel')).toEqual({ kind: 'cancel', requestId });
    expect(await inference.openAnswers.idle(20_000)).toBe(true);
  },
);

it('cancels in the reader when the client leaves in the middle of a stream', async () => {
  const { app, readers, inference } = await open({
    script: ({ requestId }, reader) => reader.token(requestId, 'half'),
  });
  const client = await clients.connect(app);
  client.write(jsonRequest('/generate_stream', { text: 'a' }));
  await client.untilReceived(/data:half/u);
  client.socket.resetAndDestroy();
  await readers.last.next('cancel');
  expect(await inference.openAnswers.idle(20_000)).toBe(true);
});

it('stops decoding when the client leaves, and asks no reader', async () => {
  const started = new EventEmitter();
  const { app, readers, inference } = await open({
    intake: {
      prepare: (_bytes, _vision, signal) =>
        new Promise<ImagePayload>((_, reject) => {
          signal.addEventListener('abort', () => reject(new DOMException('gone', 'AbortError')));
          started.emit('decoding', signal);
        }),
    },
  });
  const client = await clients.connect(app);
  client.write(
    head(
      '/image_generate_stream',
      `content-type: ${PYTHON_FORM.headers['content-type']}`,
      `content-length: ${PYTHON_FORM.payload.length}`,
    ),
  );
  client.write(PYTHON_FORM.payload);
  const [signal] = (await once(started, 'decoding')) as [AbortSignal];
  client.socket.destroy();
  expect(await inference.openAnswers.idle(20_000)).toBe(true);
  expect(signal.aborted).toBe(true);
  expect(readers.last.received).toEqual([]);
});

it('forgets a client that leaves while it sends its form, and serves the next', async () => {
  const { app, uploads } = await open({});
  const client = await clients.connect(app);
  client.write(
    head(
      '/image_generate',
      `content-type: ${PYTHON_FORM.headers['content-type']}`,
      'content-length: 100000',
    ) + PYTHON_FORM.payload.toString('latin1').slice(0, 200),
  );
  const next = await clients.connect(app);
  next.write(jsonRequest('/generate', { text: 'first' }));
  await next.untilReceived(/first/u);
  client.socket.destroy();
  next.write(jsonRequest('/generate', { text: 'second' }));
  await next.untilReceived(/second/u);
  expect(uploads).toEqual([]);
});

it('lets a client that takes the whole answer keep its connection', async () => {
  const { app, readers } = await open({});
  const client = await clients.connect(app);
  client.write(jsonRequest('/generate_stream', { text: 'ab' }));
  await client.untilReceived(/data:b\n\n\r\n0\r\n/u);
  client.write(jsonRequest('/generate', { text: 'again' }));
  await client.untilReceived(/again/u);
  expect(readers.last.received.filter(({ kind }) => kind === 'cancel')).toEqual([]);
});

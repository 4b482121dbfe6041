import { afterEach, describe, expect, it } from 'vitest';
import { LINGER_BYTES } from './http-limits.js';
import { head, RawClients, type RawClient } from './raw-client.fixture.js';
import { scriptedApp, type ScriptedApp } from '../scripted-app.fixture.js';

const LIMIT = 4096;
const clients = new RawClients();
let opened: ScriptedApp | undefined;

afterEach(async () => {
  clients.end();
  await opened?.close();
  opened = undefined;
});

async function connect(): Promise<RawClient> {
  opened ??= await scriptedApp({ limits: { bodySizeLimitBytes: LIMIT } });
  return clients.connect(opened.app);
}

const JSON_TYPE = 'content-type: application/json';
const FORM_TYPE = 'content-type: multipart/form-data; boundary=B';
const chunk = (size: number): string => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;
const NEXT_REQUEST = 'GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n';

const TOO_LARGE = /^HTTP\/1\.1 413 .*"code":"request\.body_too_large".*body_size_limit_bytes/su;

describe('a body over body_size_limit_bytes', () => {
  it.each([
    ['/generate', JSON_TYPE],
    ['/image_generate_stream', FORM_TYPE],
  ])('is refused by its Content-Length before any of it is sent: %s', async (path, type) => {
    const client = await connect();
    client.write(head(path, type, `content-length: ${LIMIT + 1}`));
    await client.untilReceived(TOO_LARGE);
  });

  it.each([
    ['/generate', JSON_TYPE],
    ['/image_generate', FORM_TYPE],
    ['/generate', `${JSON_TYPE}\r\nconnection: close`],
    ['/image_generate', `${FORM_TYPE}\r\nconnection: close`],
    ['/no/such/path', JSON_TYPE],
    ['/generate', 'content-type: text/plain'],
  ])('does not cost a client that is still sending its answer: %s, %s', async (path, type) => {
    const client = await connect();
    // More than the buffers of both sides hold: the client is still writing when the answer comes.
    client.write(head(path, type, 'transfer-encoding: chunked') + chunk(16 * 1024 * 1024));
    await client.untilReceived(/^HTTP\/1\.1 4\d\d .*"error"/su);
    client.write('0\r\n\r\n');
    client.write(NEXT_REQUEST);
    await client.until(() => client.isClosed || client.received.includes('HTTP/1.1 200'));
    expect(client.error).toBeUndefined();
  });

  it.each([
    ['/generate', JSON_TYPE],
    ['/image_generate', FORM_TYPE],
  ])('does not end the connection: the next request on it is answered (%s)', async (path, type) => {
    const client = await connect();
    client.write(head(path, type, 'transfer-encoding: chunked'));
    for (let sent = 0; sent <= 2 * LIMIT; sent += 1024) client.write(chunk(1024));
    await client.untilReceived(TOO_LARGE);
    client.write('0\r\n\r\n');
    client.write(NEXT_REQUEST);
    await client.untilReceived(/HTTP\/1\.1 200/u);
  });

  it('is not read without end: who sends on and on is cut', async () => {
    const client = await connect();
    client.write(head('/generate', JSON_TYPE, 'transfer-encoding: chunked'));
    const piece = chunk(1024 * 1024);
    const send = (): void => {
      while (!client.isClosed && client.socket.write(piece));
    };
    client.socket.on('drain', send);
    send();
    await client.untilClosed();
    expect(client.received).toMatch(TOO_LARGE);
    // What the kernel holds for both sides comes on top.
    expect(client.socket.bytesWritten).toBeLessThan(LINGER_BYTES + 64 * 1024 * 1024);
  });

  it('counts everything: a form of parts that nobody reads, and bytes in front of the first part', async () => {
    const client = await connect();
    const part = `--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n${'y'.repeat(LIMIT / 2)}\r\n`;
    for (const body of [part.repeat(3), `preamble${'p'.repeat(2 * LIMIT)}`]) {
      client.received = '';
      client.write(head('/image_generate', FORM_TYPE, 'transfer-encoding: chunked'));
      client.write(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
      await client.untilReceived(TOO_LARGE);
    }
  });
});

it('accepts a body of exactly the limit', async () => {
  const client = await connect();
  const text = JSON.stringify({ text: 'hi', padding: '' });
  const body = JSON.stringify({ text: 'hi', padding: 'p'.repeat(LIMIT - text.length) });
  expect(body).toHaveLength(LIMIT);
  client.write(head('/generate', JSON_TYPE, `content-length: ${LIMIT}`) + body);
  await client.untilReceived(/HTTP\/1\.1 200 .*\{"text":"hi"\}/su);
});

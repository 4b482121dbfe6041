import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { scriptedApp, type ScriptedApp, type ScriptedAppOptions } from './scripted-app.js';

const LIMIT = 4096;
const opened: { app: ScriptedApp | undefined; sockets: Socket[] } = { app: undefined, sockets: [] };

afterEach(async () => {
  for (const socket of opened.sockets.splice(0)) socket.destroy();
  await opened.app?.close();
  opened.app = undefined;
});

async function listen(options: ScriptedAppOptions = {}): Promise<number> {
  opened.app = await scriptedApp({ ...options, limits: { bodySizeLimitBytes: LIMIT, ...options.limits } });
  await opened.app.app.listen({ host: '127.0.0.1', port: 0 });
  return (opened.app.app.server.address() as AddressInfo).port;
}

/** A client that writes whatever it is told and keeps all it gets. */
class RawClient {
  received = '';
  error: Error | undefined;
  readonly socket: Socket;
  readonly #waiters = new Set<() => void>();
  isClosed = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    opened.sockets.push(this.socket);
    const wake = (): void => this.#waiters.forEach((waiter) => waiter());
    this.socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString();
      wake();
    });
    this.socket.on('error', (error) => {
      this.error = error;
    });
    this.socket.on('close', () => {
      this.isClosed = true;
      wake();
    });
  }

  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.isClosed)
        throw new Error(`closed; got ${JSON.stringify(this.received)} ${String(this.error)}`);
      await new Promise<void>((resolve) => {
        const waiter = (): void => {
          this.#waiters.delete(waiter);
          resolve();
        };
        this.#waiters.add(waiter);
      });
    }
  }
}

const head = (path: string, ...headers: string[]): string =>
  [`POST ${path} HTTP/1.1`, 'host: test', ...headers, '', ''].join('\r\n');

const JSON_TYPE = 'content-type: application/json';
const FORM_TYPE = 'content-type: multipart/form-data; boundary=B';
const chunk = (size: number): string => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;

const TOO_LARGE = /^HTTP\/1\.1 413 .*"code":"request\.body_too_large".*body_size_limit_bytes/su;

describe('a body over body_size_limit_bytes', () => {
  it.each([
    ['/generate', JSON_TYPE],
    ['/image_generate_stream', FORM_TYPE],
  ])('is refused by its Content-Length before any of it is sent: %s', async (path, type) => {
    const client = new RawClient(await listen());
    client.write(head(path, type, `content-length: ${LIMIT + 1}`));
    await client.until(() => TOO_LARGE.test(client.received));
  });

  it.each([
    ['/generate', JSON_TYPE],
    ['/image_generate', FORM_TYPE],
    ['/generate', `${JSON_TYPE}\r\nconnection: close`],
    ['/image_generate', `${FORM_TYPE}\r\nconnection: close`],
  ])('is refused when chunks go over the limit, while more of it comes: %s, %s', async (path, type) => {
    const client = new RawClient(await listen());
    // More than the buffers of both sides hold: the client is still writing when the answer comes.
    client.write(head(path, type, 'transfer-encoding: chunked') + chunk(16 * 1024 * 1024));
    await client.until(() => TOO_LARGE.test(client.received));
    client.write('0\r\n\r\n');
    client.write('GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n');
    await client.until(() => client.isClosed || client.received.includes('HTTP/1.1 200'));
    expect(client.error).toBeUndefined();
  });

  it.each([
    ['/generate', JSON_TYPE],
    ['/image_generate', FORM_TYPE],
  ])('does not end the connection: the next request on it is answered (%s)', async (path, type) => {
    const client = new RawClient(await listen());
    client.write(head(path, type, 'transfer-encoding: chunked'));
    for (let sent = 0; sent <= 2 * LIMIT; sent += 1024) client.write(chunk(1024));
    await client.until(() => TOO_LARGE.test(client.received));
    client.write('0\r\n\r\n');
    client.write('GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n');
    await client.until(() => client.received.includes('HTTP/1.1 200'));
  });
});

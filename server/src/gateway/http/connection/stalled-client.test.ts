import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { cutWhenNotRead } from './stalled-client.js';

const STALL_MS = 40;
/** More than kernel buffers take for a client that does not read. */
const MUCH = Buffer.alloc(32 * 1024 * 1024);

let server: Server | undefined;
let client: Socket | undefined;
afterEach(() => {
  client?.destroy();
  server?.close();
});

/** A response that the client has begun to receive and, from then on, reads only if it is told to. */
async function openResponse(): Promise<{ response: ServerResponse; client: Socket }> {
  server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  client.pause();
  client.write('GET / HTTP/1.1\r\nhost: t\r\n\r\n');
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  return { response, client };
}

it('cuts a client that takes no byte for the time given', async () => {
  const { response } = await openResponse();
  cutWhenNotRead(response, STALL_MS);
  response.write(MUCH);
  await once(response, 'close');
  expect(response.writableFinished).toBe(false);
});

it('lets a client wait for many times as long while there is nothing to read', async () => {
  const { response, client: reader } = await openResponse();
  cutWhenNotRead(response, STALL_MS / 4);
  response.write('first');
  for (let wait = 0; wait < 3; wait += 1) await once(response, 'timeout');
  expect(response.destroyed).toBe(false);
  response.end('last');
  reader.resume();
  await once(response, 'finish');
});

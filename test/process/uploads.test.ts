// Many clients that upload at once: body_memory_limit_bytes bounds the bytes that the server holds for all of them.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { answerOf, formBody, rawForm } from '../hostile/asking.js';

const LIMIT_BYTES = 200_000;
let server: RunningServer;
beforeAll(async () => {
  server = await RunningServer.start({
    args: ['--body-size-limit-bytes', String(LIMIT_BYTES), '--body-memory-limit-bytes', '500000'],
    env: { TAKEOFF_ECHO: 'true' },
  });
});
afterAll(() => server.stop());

/** A client that has sent `bytes` of an image and waits. */
async function halfAnUpload(bytes: number): Promise<Socket> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  await once(socket, 'connect');
  const head = [
    'POST /image_generate HTTP/1.1',
    'host: a',
    'content-type: multipart/form-data; boundary=b',
    `content-length: ${LIMIT_BYTES}`,
    '',
    '--b',
    'content-disposition: form-data; name="image_data"',
    '',
    '',
  ].join('\r\n');
  await new Promise<void>((resolve) =>
    socket.write(Buffer.concat([Buffer.from(head), Buffer.alloc(bytes)]), () => resolve()),
  );
  return socket;
}

const upload = async (bytes: number) =>
  answerOf(
    await fetch(
      `${server.url}/image_generate`,
      rawForm(
        formBody([
          { name: 'image_data', content: Buffer.alloc(bytes) },
          { name: 'json_data', content: '{"text":"hello"}' },
        ]),
      ),
    ),
  );

it('the server answers uploads beyond body_memory_limit_bytes with 503, and takes them when there is room again', async () => {
  const others = await Promise.all([halfAnUpload(150_000), halfAnUpload(150_000), halfAnUpload(150_000)]);
  await expect.poll(async () => (await upload(100_000)).status).toBe(503);
  const busy = await upload(100_000);
  expect(busy).toMatchObject({ status: 503, code: 'server.uploads_busy' });
  expect(busy.message).toContain('body_memory_limit_bytes');
  expect(busy.headers.get('retry-after')).toBe('2');
  // An upload that fits is read meanwhile: that its zeros are no image is known only when all of them have arrived.
  expect(await upload(10_000)).toMatchObject({ status: 400, code: 'image.format_unsupported' });
  for (const socket of others) socket.destroy();
  await expect.poll(async () => (await upload(100_000)).code).toBe('image.format_unsupported');
});

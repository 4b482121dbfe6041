// Case 18 of docs/security.md: bodies, parts and headers without measure, through the whole program.
import { connect, type Socket } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { answerOf, formBody, rawForm, type FormPart } from './asking.js';
import { photograph } from './files/valid.js';

/** More than ten thousand empty parts take, so that their number is what is refused. */
const LIMIT_BYTES = 1_000_000;
/** Longer than what a busy machine takes for a request beside fifty others. */
const REQUEST_TIMEOUT_MS = 6000;
/** A chunk of a body that declares no length. */
const CHUNK = `10000\r\n${'x'.repeat(65_536)}\r\n`;
let server: RunningServer;
beforeAll(async () => {
  server = await RunningServer.start({
    args: [
      '--body-size-limit-bytes',
      String(LIMIT_BYTES),
      '--request-timeout-ms',
      String(REQUEST_TIMEOUT_MS),
    ],
    env: { TAKEOFF_ECHO: 'true' },
  });
});
afterAll(() => server.stop());

const request = JSON.stringify({ text: 'hello' });
const postForm = async (body: Uint8Array<ArrayBuffer> | string, boundary = 'b') =>
  answerOf(await fetch(`${server.url}/image_generate`, rawForm(body, boundary)));
const IMAGE: FormPart = { name: 'image_data', content: photograph() };
const JSON_PART: FormPart = { name: 'json_data', content: request };
/** The text of a form with the JSON part alone, which ends other forms. */
const jsonForm = Buffer.from(formBody([JSON_PART])).toString();
const isServing = async (): Promise<void> => {
  expect(await postForm(formBody([IMAGE, JSON_PART]))).toMatchObject({ status: 200, text: '\nhello' });
};

/** Lets `write` send bytes to the server; resolves with all bytes of the server until the connection ended. */
function speak(write: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    const { port } = new URL(server.url);
    const socket = connect(Number(port), '127.0.0.1');
    let said = '';
    socket.on('data', (bytes: Buffer) => {
      said += bytes.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(said));
    write(socket);
  });
}

describe('hostile bodies', () => {
  it('case 18: a body over the limit gets 413 and the name of the setting before it is read', async () => {
    const said = await speak((socket) => {
      socket.write(
        'POST /image_generate HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 99999999999\r\n\r\n',
      );
      socket.end();
    });
    expect(said).toMatch(/^HTTP\/1\.1 413 /u);
    expect(said).toContain('body_size_limit_bytes');
    for (const part of [IMAGE, JSON_PART, { name: 'other', content: '' }]) {
      const large = { ...part, content: Buffer.alloc(LIMIT_BYTES) };
      const answer = await postForm(formBody([large, IMAGE, JSON_PART]));
      expect(answer).toMatchObject({ status: 413, code: 'request.body_too_large' });
    }
    await isServing();
  });

  it('case 18: a chunked body gets 413 as soon as it exceeds the limit', async () => {
    const form = 'multipart/form-data; boundary=b';
    const start = '--b\r\ncontent-disposition: form-data; name="image_data"\r\n\r\n';
    const skipped = '--b\r\ncontent-disposition: form-data; name="other"\r\n\r\n';
    for (const [route, type, text] of [
      ['/image_generate', form, start],
      ['/image_generate_stream', form, skipped],
      ['/generate', 'application/json', '{"text":"'],
      ['/generate_stream', 'application/json', '{"text":"'],
    ] as const) {
      let sentBytes = 0;
      const said = await speak((socket) => {
        socket.write(
          `POST ${route} HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n\r\n`,
        );
        socket.write(`${text.length.toString(16)}\r\n${text}\r\n`);
        const flood = (): void => {
          while (!socket.destroyed && socket.write(CHUNK));
        };
        socket.on('drain', flood);
        socket.on('close', () => {
          sentBytes = socket.bytesWritten;
        });
        flood();
      });
      expect(said, route).toMatch(/^HTTP\/1\.1 413 /u);
      expect(said, route).toContain('request.body_too_large');
      // The server reads a bounded rest, so that the client can read the answer, and then cuts the connection.
      expect(sentBytes, route).toBeLessThan(100 * 2 ** 20);
    }
    await isServing();
  });

  it('case 18: ten thousand parts, duplicate and missing parts are refused', async () => {
    const many = Array.from({ length: 10_000 }, (_, n) => ({ name: `p${n}`, content: '' }));
    expect(await postForm(formBody([...many, IMAGE, JSON_PART]))).toMatchObject({
      status: 400,
      code: 'request.too_many_parts',
    });
    const cases: [string, readonly FormPart[], number][] = [
      ['request.too_many_images', [IMAGE, IMAGE, JSON_PART], 400],
      ['request.too_many_parts', [IMAGE, JSON_PART, JSON_PART], 400],
      ['request.part_missing', [JSON_PART], 422],
      ['request.part_missing', [IMAGE], 422],
      ['request.part_missing', [], 422],
      ['request.part_missing', [{ ...IMAGE, name: 'image_data[]' }, JSON_PART], 422],
      ['request.json_data_invalid', [IMAGE, { ...JSON_PART, content: '{"text":' }], 422],
    ];
    for (const [code, parts, status] of cases) {
      expect(await postForm(formBody(parts)), code).toMatchObject({ status, code });
    }
    await isServing();
  });

  it.each<[string, () => Uint8Array<ArrayBuffer> | string, string]>([
    ['a wrong boundary', () => formBody([IMAGE, JSON_PART], 'other'), 'b'],
    ['a body that ends early', () => formBody([IMAGE, JSON_PART]).slice(0, 3000), 'b'],
    ['no closing boundary', () => formBody([IMAGE, JSON_PART]).slice(0, -6), 'b'],
    ['a part without a name', () => '--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--\r\n', 'b'],
    ['a part without headers', () => '--b\r\n\r\nx\r\n--b--\r\n', 'b'],
    ['a boundary of 10,000 characters', () => formBody([IMAGE], 'b'.repeat(10_000)), 'b'.repeat(10_000)],
    ['endless boundaries', () => '--b\r\n'.repeat(30_000), 'b'],
    ['an empty body', () => '', 'b'],
  ])('case 18: a form with %s is refused', async (_, make, boundary) => {
    const answer = await postForm(make(), boundary);
    expect([400, 422]).toContain(answer.status);
    expect(answer.code).toMatch(/^request\./u);
    await isServing();
  });

  it('case 18: huge headers of a request are refused, those of a part are not read', async () => {
    const said = await speak((socket) =>
      socket.write(`GET /status HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`),
    );
    expect(said).toMatch(/^HTTP\/1\.1 431 /u);
    const many = Array.from({ length: 200 }, (_, n) => `x-${n}: y`);
    for (const headers of [[`x: ${'y'.repeat(100_000)}`], many]) {
      const answer = await postForm(formBody([{ ...IMAGE, headers }, JSON_PART]));
      expect(answer.status === 200 || answer.code?.startsWith('request.') === true).toBe(true);
      expect([200, 400, 422]).toContain(answer.status);
      // The part's name stands behind more headers than are read, so the part counts as unnamed.
      const late = [`--b\r\n${headers.join('\r\n')}`, 'content-disposition: form-data; name="image_data"'];
      const unnamed = await postForm(`${late.join('\r\n')}\r\n\r\nx\r\n${jsonForm}`);
      expect([unnamed.status, unnamed.code]).toEqual([422, 'request.part_missing']);
    }
    await isServing();
  });

  it('case 18: a body that grows beyond the limit when it is decompressed is refused, by itself and in company', async () => {
    const bombs: [string, Uint8Array<ArrayBuffer>][] = [
      ['gzip', new Uint8Array(gzipSync(Buffer.alloc(500 * LIMIT_BYTES)))],
      ['deflate', new Uint8Array(deflateSync(Buffer.alloc(500 * LIMIT_BYTES)))],
    ];
    for (const [encoding, body] of bombs) {
      expect(body.length).toBeLessThan(LIMIT_BYTES);
      const send = async (type: string, route: string) =>
        answerOf(
          await fetch(`${server.url}${route}`, {
            method: 'POST',
            headers: { 'content-type': type, 'content-encoding': encoding },
            body,
          }),
        );
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          n % 2 === 0
            ? send('application/json', '/generate')
            : send('multipart/form-data; boundary=b', '/image_generate_stream'),
        ),
      );
      for (const answer of answers)
        expect(answer).toMatchObject({ status: 413, code: 'request.body_too_large' });
    }
    await isServing();
  });

  it('case 18: bodies that drip are cut after request_timeout_ms and delay nobody', async () => {
    const start = performance.now();
    const dripping = Array.from({ length: 50 }, () =>
      speak((socket) => {
        socket.write(
          'POST /image_generate HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 100000\r\n\r\n--b\r\n',
        );
        const drip = setInterval(() => socket.write('x'), 100);
        socket.on('close', () => clearInterval(drip));
      }),
    );
    await isServing();
    expect(performance.now() - start).toBeLessThan(REQUEST_TIMEOUT_MS - 100);
    for (const said of await Promise.all(dripping)) {
      expect(said).toMatch(/^HTTP\/1\.1 408 /u);
      expect(said).toContain('request_timeout_ms');
    }
  });
});

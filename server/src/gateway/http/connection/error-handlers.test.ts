import { afterEach, describe, expect, it } from 'vitest';
import { ERROR_CODES, errorBodySchema, isErrorCode } from 'takeoff-wire';
import { CapacityError, Defect } from '../../../errors.js';
import { formOf } from '../native/multipart.fixture.js';
import { head, jsonRequest, RawClients } from './raw-client.fixture.js';
import { scriptedApp, type ScriptedApp, type ScriptedAppOptions } from '../scripted-app.fixture.js';

const clients = new RawClients();
let opened: ScriptedApp | undefined;

afterEach(async () => {
  clients.end();
  await opened?.close();
  opened = undefined;
});

async function open(options: ScriptedAppOptions = {}): Promise<ScriptedApp> {
  opened = await scriptedApp(options);
  return opened;
}

/** The JSON body of an error, with the status that the table gives to its code. */
function errorIn(response: { statusCode: number; payload: string }): { code: string; message: string } {
  const { error } = errorBodySchema.parse(JSON.parse(response.payload));
  if (!isErrorCode(error.code)) throw new Defect(`unknown code ${error.code}`);
  expect(response.statusCode).toBe(ERROR_CODES[error.code].status);
  return error;
}

describe('bodies of the JSON endpoints', () => {
  const post = async (payload: string | Buffer | undefined, type?: string) => {
    const { app } = opened ?? (await open());
    return app.inject({
      method: 'POST',
      url: '/generate',
      ...(payload === undefined ? {} : { payload }),
      headers: type === undefined ? {} : { 'content-type': type },
    });
  };

  it.each([
    'not json',
    '',
    '{"text":',
    '{"text":"a","sampling_temperature":NaN}',
    "{'text':'a'}",
    '{"text":"a"} x',
    Buffer.from([0x7b, 0xff, 0x7d]),
  ])('are refused with 400 when they are not JSON: %j', async (body) => {
    expect(errorIn(await post(body, 'application/json')).code).toBe('request.invalid_json');
  });

  it('are refused with 422 when they are JSON of another shape', async () => {
    for (const body of ['null', '[]', '5', '"text"', '{}', '{"text":null}']) {
      expect(errorIn(await post(body, 'application/json')).code).toBe('request.wrong_shape');
    }
  });

  it.each([
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
    'applicationjson',
  ])('are refused with 415 when they are declared as %s, naming the type to use', async (type) => {
    const error = errorIn(await post('{"text":"a"}', type));
    expect(error.code).toBe('request.unsupported_media_type');
    expect(error.message).toContain('application/json');
  });

  it('are refused with 415 when there is no type, or nothing at all', async () => {
    expect(errorIn(await post(undefined)).code).toBe('request.unsupported_media_type');
  });

  it.each(['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/vnd.api+json'])(
    'are accepted as %s',
    async (type) => {
      expect((await post('{"text":"a"}', type)).json()).toEqual({ text: 'a' });
    },
  );

  it('may begin with a byte order mark, and may hold names that objects inherit', async () => {
    expect((await post('\u{feff}{"text":"a"}', 'application/json')).json()).toEqual({ text: 'a' });
    const hostile = '{"text":"a","__proto__":{"max_new_tokens":-1},"constructor":{"prototype":{}}}';
    expect((await post(hostile, 'application/json')).json()).toEqual({ text: 'a' });
  });

  it('may be nested as deeply as they like', async () => {
    const deep = `{"text":"a","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect((await post(deep, 'application/json')).json()).toEqual({ text: 'a' });
  });
});

describe('addresses', () => {
  it.each([
    ['GET', '/'],
    ['GET', '/generate'],
    ['POST', '/generate/'],
    ['DELETE', '/status'],
    ['POST', '/status'],
    ['GET', '/no/such?token=secret'],
  ] as const)('that do not exist are 404 without their query: %s %s', async (method, url) => {
    const { app } = await open();
    const response = await app.inject({ method, url });
    const error = errorIn(response);
    expect(error.code).toBe('request.not_found');
    expect(error.message).not.toContain('secret');
  });

  it('that cannot be decoded are 400', async () => {
    const { app } = await open();
    expect(errorIn(await app.inject({ method: 'GET', url: '/%zz' })).code).toBe('request.malformed');
  });
});

it('shows nothing of a defect', async () => {
  const { app } = await open({
    intake: { prepare: () => Promise.reject(new Defect('secret at /home/x')) },
  });
  const form = formOf({ json_data: { text: 'a' }, image_data: Buffer.from('p') });
  const response = await app.inject({ method: 'POST', url: '/image_generate', ...form });
  expect(errorIn(response).code).toBe('server.internal');
  expect(response.payload).not.toContain('secret');
});

it('tells when to come back, in whole seconds', async () => {
  const { app } = await open({
    intake: { prepare: () => Promise.reject(new CapacityError('image.decoder_busy', 'Busy.', 1500)) },
  });
  const form = formOf({ json_data: { text: 'a' }, image_data: Buffer.from('p') });
  const response = await app.inject({ method: 'POST', url: '/image_generate_stream', ...form });
  expect(errorIn(response)).toEqual({ code: 'image.decoder_busy', message: 'Busy.' });
  expect(response.headers['retry-after']).toBe('2');
});

describe('connections', () => {
  it('that speak no HTTP get one answer and are closed', async () => {
    const { app } = await open();
    const client = await clients.connect(app);
    client.write('\x16\x03\x01 hello\r\n\r\n');
    await client.untilClosed();
    expect(client.received).toMatch(/^HTTP\/1\.1 400 .*"code":"request\.malformed"/su);
  });

  it('with oversized headers get 431', async () => {
    const { app } = await open();
    const client = await clients.connect(app);
    client.write(head('/generate', `x-long: ${'y'.repeat(20_000)}`));
    await client.untilClosed();
    expect(client.received).toMatch(/^HTTP\/1\.1 431 .*"code":"request\.headers_too_large"/su);
  });

  it.each([
    ['headers', 'POST /generate HTTP/1.1\r\nhost: t'],
    ['a JSON body', head('/generate', 'content-type: application/json', 'content-length: 100') + '{"te'],
    [
      'a form',
      head('/image_generate', 'content-type: multipart/form-data; boundary=B', 'content-length: 900') +
        '--B\r\nContent-Disposition: form-data; name="json_data"\r\n\r\n{',
    ],
  ])('that never finish sending %s get 408 and are closed', async (_, bytes) => {
    const { app } = await open({ limits: { headersTimeoutMs: 100, requestTimeoutMs: 100 } });
    const client = await clients.connect(app);
    client.write(bytes);
    await client.untilClosed();
    expect(client.received).toMatch(/^HTTP\/1\.1 408 .*"code":"request\.timeout"/su);
    expect(client.received.match(/HTTP\/1\.1/gu)).toHaveLength(1);
  });

  it('that send rubbish behind a request do not get it answered inside the stream', async () => {
    const { app, readers } = await open({ script: ({ requestId }, reader) => reader.token(requestId, 'x') });
    const client = await clients.connect(app);
    client.write(jsonRequest('/generate_stream', { text: 'a' }));
    await client.untilReceived(/data:x/u);
    client.write('\x00rubbish\r\n\r\n');
    await client.untilClosed();
    expect(client.received.match(/HTTP\/1\.1/gu)).toHaveLength(1);
    await readers.last.next('cancel');
  });

  it('keep serving after a request was refused', async () => {
    const { app } = await open();
    const client = await clients.connect(app);
    client.write(jsonRequest('/generate', { text: [] }) + jsonRequest('/generate', { text: 'next' }));
    await client.untilReceived(/ 400 .* 200 .*\{"text":"next"\}/su);
  });
});

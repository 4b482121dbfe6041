import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formOf, formOfParts, PROMPT, PYTHON_FORM, type Form, type PartBytes } from './multipart.fixture.js';
import { scriptedApp, type ScriptedApp } from '../scripted-app.fixture.js';

let app: ScriptedApp;
beforeAll(async () => {
  app = await scriptedApp();
});
afterAll(() => app.close());
beforeEach(() => {
  app.uploads.length = 0;
});

const PICTURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0xff, 0xfe, 0x80]);
const QUESTION = JSON.stringify({ text: 'hi' });
const json: PartBytes = { disposition: 'name="json_data"', body: QUESTION };
const image: PartBytes = { disposition: 'name="image_data"', body: PICTURE };

const post = (form: Form) =>
  app.app.inject({ method: 'POST', url: '/image_generate', payload: form.payload, headers: form.headers });

async function expectRefusal(form: Form, status: number, code: string): Promise<string> {
  const response = await post(form);
  expect(response.json()).toMatchObject({ error: { code } });
  expect(response.statusCode).toBe(status);
  expect(app.uploads).toEqual([]);
  return response.json<{ error: { message: string } }>().error.message;
}

describe('parts that are accepted', () => {
  it('takes what python requests sends for the documented example', async () => {
    const response = await post(PYTHON_FORM);
    expect(response.json()).toEqual({ text: PROMPT });
  });

  const NEWEST_CLIENT: PartBytes[] = [
    {
      disposition: 'name="image_data"; filename="image.png"',
      headers: ['Content-Type: image/*'],
      body: PICTURE,
    },
    { disposition: 'name="json_data"', headers: ['Content-Type: application/json'], body: QUESTION },
  ];
  it.each<[string, readonly PartBytes[]]>([
    ['the newest client: wildcard type, JSON type', NEWEST_CLIENT],
    ['the same in the other order', NEWEST_CLIENT.toReversed()],
    ['the older client: no file name, no type', [json, image]],
    ['a file name on json_data', [{ ...json, disposition: 'name="json_data"; filename="x.json"' }, image]],
    ['a type that is wrong', [json, { ...image, headers: ['Content-Type: text/plain; charset=utf-8'] }]],
    ['names without quotes', [{ ...json, disposition: 'name=json_data' }, image]],
    ['a file name that climbs', [json, { ...image, disposition: 'name="image_data"; filename="../../x"' }]],
    [
      'extra parts, with and without file names',
      [
        { disposition: 'name="model"', body: 'x' },
        json,
        { disposition: 'name="mask"; filename="m.png"', body: Buffer.alloc(100_000) },
        image,
        { disposition: 'filename="nameless"', body: 'y' },
      ],
    ],
  ])('takes %s', async (_, parts) => {
    const response = await post(formOfParts(parts));
    expect(response.json()).toEqual({ text: 'hi' });
    expect(app.uploads).toEqual([PICTURE]);
  });

  it('takes blanks behind boundaries', async () => {
    const { payload, headers } = formOfParts([json, image], 'XbX');
    const padded = payload.toString('latin1').replaceAll('--XbX\r\n', '--XbX \t\r\n');
    const response = await post({ payload: Buffer.from(padded, 'latin1'), headers });
    expect(response.json()).toEqual({ text: 'hi' });
    expect(app.uploads).toEqual([PICTURE]);
  });

  it('takes a form whose lines end with line feeds alone', async () => {
    const lines = [
      '--XbX',
      'Content-Disposition: form-data; name="json_data"',
      '',
      QUESTION,
      '--XbX',
      'Content-Disposition: form-data; name="image_data"; filename="a.png"',
      '',
      `${PICTURE.toString('latin1')}\n--XbX--`,
    ];
    const payload = Buffer.from(lines.join('\n'), 'latin1');
    const response = await post({
      payload,
      headers: { 'content-type': 'multipart/form-data; boundary=XbX' },
    });
    expect(response.json()).toEqual({ text: 'hi' });
    expect(app.uploads).toEqual([PICTURE]);
  });

  it('takes every byte of the image, whatever it holds', async () => {
    const image = Buffer.from([
      ...Array.from({ length: 512 }, (_, index) => index % 256),
      ...Buffer.from('\r\n--\r\n--x'),
    ]);
    await post(formOf({ image_data: image, json_data: { text: 'hi' } }));
    expect(app.uploads).toEqual([image]);
  });

  it('reads a form that arrives in two pieces, cut anywhere', async () => {
    const { payload, headers } = formOfParts([json, { disposition: 'name="extra"', body: 'x' }, image]);
    for (let cut = 1; cut < payload.length; cut += 1) {
      const pieces = Readable.from([payload.subarray(0, cut), payload.subarray(cut)], { objectMode: false });
      const response = await app.app.inject({
        method: 'POST',
        url: '/image_generate',
        payload: pieces,
        headers,
      });
      expect([cut, response.statusCode]).toEqual([cut, 200]);
    }
    expect(app.uploads).toEqual(new Array(payload.length - 1).fill(PICTURE));
  });

  it('hands an empty image to the intake, which names what is wrong with it', async () => {
    await post(formOf({ json_data: { text: 'hi' }, image_data: Buffer.alloc(0) }));
    expect(app.uploads.map((bytes) => bytes.length)).toEqual([0]);
  });
});

describe('forms that are refused', () => {
  it('names the part that is missing', async () => {
    expect(await expectRefusal(formOfParts([json]), 422, 'request.part_missing')).toContain('image_data');
    expect(await expectRefusal(formOfParts([image]), 422, 'request.part_missing')).toContain('json_data');
    await expectRefusal(formOfParts([]), 422, 'request.part_missing');
  });

  it('names the parts that came where one is missing, however many and of whatever names', async () => {
    const file = { ...image, disposition: 'name="file"; filename="a.jpg"' };
    const nameless = { disposition: 'filename="x"', body: 'x' };
    const long = { disposition: `name="${'n'.repeat(1000)}"`, body: 'x' };
    expect(await expectRefusal(formOfParts([json, file]), 422, 'request.part_missing')).toBe(
      'The part image_data is missing: the bytes of one image. Parts that came: "json_data", "file".',
    );
    expect(await expectRefusal(formOfParts([nameless, image]), 422, 'request.part_missing')).toContain(
      'Parts that came: one without a name, "image_data".',
    );
    expect(await expectRefusal(formOfParts([]), 422, 'request.part_missing')).toContain('has no parts');
    const message = await expectRefusal(
      formOfParts(Array.from({ length: 20 }, () => long)),
      422,
      'request.part_missing',
    );
    expect(message).toContain('and 12 more');
    expect(message.length).toBeLessThan(500);
  });

  it('answers an empty body as one without parts', async () => {
    await expectRefusal({ ...PYTHON_FORM, payload: Buffer.alloc(0) }, 422, 'request.part_missing');
  });

  it.each(['not json', '', '{"text":', "{'text': 'x'}", '\u0000', Buffer.from([0x22, 0xff, 0x22])])(
    'refuses json_data that is not JSON: %j',
    async (body) => {
      await expectRefusal(formOfParts([{ ...json, body }, image]), 422, 'request.json_data_invalid');
    },
  );

  it.each([
    [
      '{"text": "hi", "max_new_tokens": 4,}',
      'line 1, column 36: "}" stands where a name in double quotes should be',
    ],
    ['{"text":\n "hi"', 'line 2, column 6: the text ends where a comma or the closing bracket should be'],
    ['hi', 'line 1, column 1: "h" stands where a value should be'],
    [Buffer.from([0x22, 0xc3, 0xa9, 0xff, 0x22]), 'byte 4 does not belong to a character'],
  ])('says where json_data ceases to be JSON: %j', async (body, place) => {
    const message = await expectRefusal(
      formOfParts([{ ...json, body }, image]),
      422,
      'request.json_data_invalid',
    );
    expect(message).toContain('The part json_data is not JSON');
    expect(message).toContain(place);
  });

  it('refuses json_data without text, and JSON that is no object', async () => {
    await expectRefusal(formOfParts([{ ...json, body: '{}' }, image]), 422, 'request.wrong_shape');
    await expectRefusal(formOfParts([{ ...json, body: '"hi"' }, image]), 422, 'request.wrong_shape');
  });

  it('refuses a second image, and a second json_data', async () => {
    const message = await expectRefusal(formOfParts([json, image, image]), 400, 'request.too_many_images');
    expect(message).toContain('only one image');
    await expectRefusal(formOfParts([json, json, image]), 400, 'request.too_many_parts');
  });

  it('refuses more parts than it reads', async () => {
    const extra = Array.from({ length: 40 }, (_, index) => ({ disposition: `name="p${index}"`, body: 'x' }));
    expect(
      await expectRefusal(formOfParts([...extra, json, image]), 400, 'request.too_many_parts'),
    ).toContain('32');
  });

  it('refuses a boundary that the body does not have, and one that is missing', async () => {
    const wrong = { 'content-type': 'multipart/form-data; boundary=other' } as const;
    await expectRefusal({ ...PYTHON_FORM, headers: wrong }, 400, 'request.multipart_broken');
    const none = { 'content-type': 'multipart/form-data' } as const;
    await expectRefusal({ ...PYTHON_FORM, headers: none }, 400, 'request.multipart_broken');
  });

  it('refuses a body that ends early, wherever that is', async () => {
    const { payload, headers } = formOfParts([json, { disposition: 'name="extra"', body: 'x' }, image]);
    for (let end = 1; end < payload.length - 4; end += 1) {
      const response = await post({ payload: payload.subarray(0, end), headers });
      expect([end, response.statusCode]).toEqual([end, 400]);
      expect(response.json()).toMatchObject({ error: { code: 'request.multipart_broken' } });
    }
    expect(app.uploads).toEqual([]);
  });

  it('refuses other content types, naming the one it takes', async () => {
    for (const type of ['application/json', 'text/plain', 'multipart/mixed; boundary=x', 'nonsense']) {
      const response = await app.app.inject({
        method: 'POST',
        url: '/image_generate_stream',
        payload: QUESTION,
        headers: { 'content-type': type },
      });
      expect([type, response.statusCode]).toEqual([type, 415]);
      expect(response.json<{ error: { message: string } }>().error.message).toContain('multipart/form-data');
    }
  });

  it('survives part names that every object has', async () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const response = await post(formOfParts([{ disposition: `name="${name}"`, body: 'x' }, json, image]));
      expect([200, 400]).toContain(response.statusCode);
    }
    expect((await post(PYTHON_FORM)).statusCode).toBe(200);
  });

  it('survives a part with oversized headers', async () => {
    const headers = Array.from({ length: 5000 }, (_, index) => `X-${index}: ${'y'.repeat(100)}`);
    const response = await post(formOfParts([{ ...json, headers }, image]));
    expect(response.statusCode).toBeLessThan(500);
    expect((await post(PYTHON_FORM)).statusCode).toBe(200);
  });
});

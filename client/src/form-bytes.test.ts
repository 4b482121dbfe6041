import { describe, expect, it } from 'vitest';
import { formBytes, type FormBytes } from './form-bytes.js';
import { isBytes } from './image-input.js';
import { formOf } from './scripted-fetch.fixture.js';

const BYTES = [0, 1, 13, 10, 45, 45, 254, 255];

const read = ({ contentType, bytes }: FormBytes): Promise<FormData> =>
  formOf({ url: '', init: { body: bytes, headers: { 'content-type': contentType } } });

async function imageOf(form: FormData): Promise<{ readonly name: string; readonly bytes: number[] }> {
  const part = form.get('image_data');
  if (!(part instanceof File)) throw new TypeError('no file');
  return { name: part.name, bytes: [...new Uint8Array(await part.arrayBuffer())] };
}

describe('formBytes', () => {
  it.each([
    ['a Uint8Array', new Uint8Array(BYTES)],
    ['a Buffer', Buffer.from(BYTES)],
    ['a part of a larger buffer', new Uint8Array([9, ...BYTES, 9]).subarray(1, 9)],
    ['an ArrayBuffer', new Uint8Array(BYTES).buffer],
    ['numbers of two bytes', new Uint16Array(new Uint8Array(BYTES).buffer)],
  ])('is a form with the bytes of %s', async (_, image) => {
    expect(isBytes(image as Uint8Array)).toBe(true);
    const form = await read(formBytes('{"text":"ä\\r\\n--"}', image));
    expect(form.get('json_data')).toBe('{"text":"ä\\r\\n--"}');
    expect(await imageOf(form)).toEqual({ name: 'image', bytes: BYTES });
  });

  it('has a boundary of its own, that an image cannot know', async () => {
    const { contentType, bytes } = formBytes('{}', new Uint8Array());
    const outer = formBytes('{}', bytes);
    expect(outer.contentType).not.toBe(contentType);
    expect(await imageOf(await read(outer))).toEqual({ name: 'image', bytes: [...bytes] });
  });
});

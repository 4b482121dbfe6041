import { describe, expect, it, vi } from 'vitest';
import { InvalidInputError } from './errors.js';
import { imageBlob, type ReadPath } from './image-input.js';

const never = new AbortController().signal;
const BYTES = new Uint8Array([0, 1, 254, 255]);
const readPath: ReadPath = (path) => Promise.resolve(new Blob([`file ${path}`]));
type Read = Parameters<typeof imageBlob>[0];
const bytesOf = async (image: Read): Promise<Uint8Array> =>
  new Uint8Array(await (await imageBlob(image, readPath, never)).arrayBuffer());

function streamOf(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      chunks.forEach((chunk) => controller.enqueue(chunk));
      controller.close();
    },
  });
}

describe('imageBlob', () => {
  it.each<[string, Read]>([
    ['a Blob', new Blob([BYTES])],
    ['a File', new File([BYTES], 'a.png')],
    ['a stream', streamOf(BYTES.subarray(0, 1), new Uint8Array(0), BYTES.subarray(1))],
  ])('reads the bytes of %s', async (_, image) => {
    expect(await bytesOf(image)).toEqual(BYTES);
  });

  it('reads a path with the reader of its runtime', async () => {
    expect(new TextDecoder().decode(await bytesOf('a/b.png'))).toBe('file a/b.png');
    expect(new TextDecoder().decode(await bytesOf('C:\\b.png'))).toBe('file C:\\b.png');
  });

  it.each(['https://a.example/b.png', 'HTTP://a.example/b.png'])(
    'refuses the web address %s and explains image tags',
    async (address) => {
      const refusal = imageBlob(address, readPath, never);
      await expect(refusal).rejects.toThrow(InvalidInputError);
      await expect(refusal).rejects.toThrow(/tag <image:URL>.*allow_remote_images/su);
    },
  );

  it.each(['data:image/png;base64,AAAA', 'blob:https://a/b', 'file:///a.png'])(
    'refuses the address %s',
    async (address) => {
      await expect(imageBlob(address, readPath, never)).rejects.toThrow(InvalidInputError);
    },
  );

  it.each<[string, unknown]>([
    ['null', null],
    ['a number', 5],
    ['an object of Object', {}],
    ['an object of Array', [1, 2]],
  ])('refuses %s and names it', async (name, image) => {
    await expect(imageBlob(image as Read, readPath, never)).rejects.toThrow(`image is ${name}; allowed is`);
  });

  it('refuses a stream of text', async () => {
    const stream = new ReadableStream({ start: (controller) => controller.enqueue('text') });
    await expect(imageBlob(stream, readPath, never)).rejects.toThrow('image is a stream of a string');
  });

  it('rejects with the error of a stream that fails', async () => {
    const broken = new RangeError('disk');
    const stream = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(broken) });
    await expect(imageBlob(stream, readPath, never)).rejects.toBe(broken);
  });

  it('cancels an endless stream when the call is aborted', async () => {
    const controller = new AbortController();
    const cancel = vi.fn();
    const stream = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => undefined), cancel });
    const reading = imageBlob(stream, readPath, controller.signal);
    const reason = new RangeError('enough');
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
    expect(cancel).toHaveBeenCalledWith(reason);
  });
});

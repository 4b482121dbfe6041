import { describe, expect, it } from 'vitest';
import { InputError } from '../../../errors.js';
import type { HttpLimits } from '../connection/http-limits.js';
import { placeImages } from './prompt-parts.js';
import { LIMITS } from '../scripted-app.fixture.js';

const ON: HttpLimits = { ...LIMITS, allowRemoteImages: true };
const A = 'https://example.com/a.png';
const B = 'https://example.com/b.png';
const refusal = (
  prompts: readonly string[],
  limits: HttpLimits,
  upload: Uint8Array | null = null,
): InputError => {
  try {
    placeImages(prompts, prompts.length > 1, upload, limits);
  } catch (error) {
    if (error instanceof InputError) return error;
  }
  throw new TypeError('Nothing was refused.');
};

describe('tags', () => {
  it('become images where they stood', () => {
    expect(placeImages([`see <image:${A}> \n this`], false, null, ON)).toEqual({
      prompts: [
        [
          { kind: 'text', text: 'see ' },
          { kind: 'image', image: 0 },
          { kind: 'text', text: ' \n this' },
        ],
      ],
      images: [{ kind: 'url', url: A, place: 'text' }],
    });
  });

  it('with the same URL are one image, named by the first prompt that has it', () => {
    const { prompts, images } = placeImages(
      ['x', `<image:${A}>`, `<image:${B}>`, `<image:${A}>`],
      true,
      null,
      ON,
    );
    expect(images).toEqual([
      { kind: 'url', url: A, place: 'text[1]' },
      { kind: 'url', url: B, place: 'text[2]' },
    ]);
    expect(
      prompts.map((parts) => parts.flatMap((part) => (part.kind === 'image' ? [part.image] : []))),
    ).toEqual([[], [0], [1], [0]]);
  });

  it('are counted for each prompt, the same URL twice included', () => {
    const error = refusal(['x', `<image:${A}><image:${A}>`], ON);
    expect(error.code).toBe('request.too_many_images');
    expect(error.message).toMatch(/text\[1\] has 2 image tags.*1.*max_images_per_prompt/su);
    const two = placeImages([`<image:${A}><image:${A}>`], false, null, { ...ON, maxImagesPerPrompt: 2 });
    expect(two.images).toHaveLength(1);
    expect(two.prompts[0]).toHaveLength(2);
  });

  it('are counted for the whole request, the same URL once', () => {
    const limits = { ...ON, maxImagesPerRequest: 2 };
    const prompts = [1, 2, 1, 2].map((n) => `<image:http://h/${n}>`);
    expect(placeImages(prompts, true, null, limits).images).toHaveLength(2);
    const error = refusal([...prompts, '<image:http://h/3>'], limits);
    expect(error.message).toMatch(/text\[4\].*more than 2.*max_images_per_request/su);
  });

  it('that only look like tags stay text', () => {
    const text = '<image> </s><image:x> <IMAGE:https://h/>';
    expect(placeImages([text], false, null, ON)).toEqual({ prompts: [[{ kind: 'text', text }]], images: [] });
  });

  it('are refused while the setting is off, with and without an upload', () => {
    for (const upload of [null, new Uint8Array(1)]) {
      expect(refusal([`<image:${A}>`], LIMITS, upload).code).toBe('request.remote_images_disabled');
    }
  });
});

describe('an upload', () => {
  it('stands in front of every prompt', () => {
    const bytes = new Uint8Array(1);
    const { prompts, images } = placeImages(['a', 'b'], true, bytes, LIMITS);
    expect(images).toEqual([{ kind: 'upload', bytes }]);
    expect(prompts).toEqual(
      ['a', 'b'].map((text) => [
        { kind: 'image', image: 0 },
        { kind: 'text', text },
      ]),
    );
  });

  it('leaves no room for a tag', () => {
    const error = refusal(['a', `<image:${A}>`], ON, new Uint8Array(1));
    expect(error.code).toBe('request.too_many_images');
    expect(error.message).toMatch(/text\[1\].*image_data.*\/generate/su);
  });
});

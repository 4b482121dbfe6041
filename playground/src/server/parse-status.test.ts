import { pageStatusSchema, type PageStatus } from 'takeoff-wire';
import { describe, expect, it } from 'vitest';
import { parsePageStatus } from './parse-status.js';

const STATUS: PageStatus = {
  version: '1',
  limits: { body_size_limit_bytes: 1, max_image_pixels: 2, max_image_side_px: 3 },
  readers: [
    {
      reader_id: 'a',
      consumer_groups: ['primary'],
      model_name: 'm',
      state: 'dead',
      failure: { code: 'reader.exited', restarts: true },
      open_prompts: 0,
      max_batch_size: 8,
      takes_images: null,
      image_tokens: null,
    },
  ],
};

/** Every change of one value anywhere in the status to a value of another type. */
function* spoiled(value: unknown): Generator {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    for (const wrong of [undefined, null, 'text', 7, true, {}, []]) yield replaced(value, key, wrong);
    for (const deeper of spoiled(inner)) yield replaced(value, key, deeper);
  }
}

const replaced = (value: object, key: string, other: unknown): unknown =>
  Array.isArray(value)
    ? value.map((one: unknown, i) => (String(i) === key ? other : one))
    : { ...value, [key]: other };

describe('parsePageStatus', () => {
  it('takes the status of a server', () => expect(parsePageStatus(STATUS)).toEqual(STATUS));

  it("agrees with wire's schema on every status with one value of another type", () => {
    for (const status of spoiled(STATUS))
      expect([JSON.stringify(status), parsePageStatus(status) !== undefined]).toEqual([
        JSON.stringify(status),
        pageStatusSchema.safeParse(status).success,
      ]);
  });
});

import { expect, it } from 'vitest';
import { unknownLora } from './unknown-lora.js';

it('an adapter that is not there is refused with those that are', () => {
  expect(unknownLora('this reader', 'x', ['a', 'b'])).toMatchObject({
    code: 'request.unknown_lora',
    message: expect.stringContaining('lora_id is "x"; the adapters of this reader are: "a", "b".') as string,
  });
  expect(unknownLora('this reader', 'x', []).message).toContain('are: none.');
});

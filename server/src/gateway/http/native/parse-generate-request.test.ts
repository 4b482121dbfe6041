import { describe, expect, it } from 'vitest';
import { NUMERIC_FIELDS } from 'takeoff-wire';
import { InputError } from '../../../errors.js';
import { parseGenerateRequest } from './parse-generate-request.js';
import { isNumericField } from './numeric-fields.js';
import { LIMITS } from '../scripted-app.fixture.js';

function refusalOf(body: unknown, limits = LIMITS): { code: string; message: string } {
  try {
    parseGenerateRequest(body, null, limits);
  } catch (error) {
    if (error instanceof InputError) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: 'accepted', message: '' };
}

const FIELDS = Object.keys(NUMERIC_FIELDS).filter(isNumericField);
const INTEGER_FIELDS = FIELDS.filter(
  (field) => !['sampling_temperature', 'sampling_topp', 'repetition_penalty'].includes(field),
);

describe('the shape of a request', () => {
  it.each([undefined, null, 'text', 5, true, [], [{ text: 'a' }]])('must be an object, not %j', (body) => {
    expect(refusalOf(body)).toMatchObject({ code: 'request.wrong_shape' });
    expect(refusalOf(body).message).toContain('JSON object');
  });

  it.each([
    [{}, 'text'],
    [{ text: null }, 'text'],
    [{ text: 5 }, 'text'],
    [{ text: { a: 1 } }, 'text'],
    [{ text: ['a', 5] }, 'text'],
    [{ text: [['a']] }, 'text'],
    [{ text: 'a', consumer_group: 5 }, 'consumer_group'],
    [{ text: 'a', return_metadata: 'true' }, 'return_metadata'],
    [{ text: 'a', use_chat_template: 1 }, 'use_chat_template'],
  ])('names the field that is wrong: %j', (body, field) => {
    expect(refusalOf(body)).toMatchObject({ code: 'request.wrong_shape' });
    expect(refusalOf(body).message).toContain(field);
  });

  it.each(FIELDS)('wants a number in %s, and says which', (field) => {
    for (const value of ['1', '', [1], { a: 1 }, true, Number.NaN]) {
      const refusal = refusalOf({ text: 'a', [field]: value });
      expect(refusal.code).toBe('request.wrong_shape');
      expect(refusal.message).toContain(field);
      expect(refusal.message).toContain(String(NUMERIC_FIELDS[field].max));
    }
  });

  it.each(INTEGER_FIELDS)('wants a whole number in %s', (field) => {
    expect(refusalOf({ text: 'a', [field]: 1.5 }).code).toBe('request.wrong_shape');
  });

  it('validates a list of millions by its length before its elements', () => {
    const text = new Array<number>(1_000_000).fill(1);
    expect(refusalOf({ text }).code).toBe('request.batch_too_large');
  });
});

describe('numbers', () => {
  it.each(FIELDS)('refuses %s outside its range, naming the range', (field) => {
    const { min, max, exclusiveMin } = NUMERIC_FIELDS[field];
    const tooSmall = exclusiveMin ? min : min - 1;
    for (const value of [tooSmall, max + 1, min - 1, -(2 ** 31), 2 ** 31, 2 ** 53, 1e308, -1e308, Infinity]) {
      const refusal = refusalOf({ text: 'a', [field]: value });
      expect([value, refusal.code]).toEqual([value, 'request.out_of_range']);
      expect(refusal.message).toContain(field);
      expect(refusal.message).toContain(String(max));
    }
  });

  it.each(FIELDS)('accepts both ends of the range of %s', (field) => {
    const { min, max, exclusiveMin } = NUMERIC_FIELDS[field];
    const room = field === 'min_new_tokens' ? { max_new_tokens: max } : {};
    const lowest = exclusiveMin ? min + Number.EPSILON : min;
    for (const value of [lowest, max]) {
      expect(refusalOf({ text: 'a', min_new_tokens: 0, ...room, [field]: value }).code).toBe('accepted');
    }
  });

  it.each([
    [{ sampling_topk: 0 }, { topK: 2_147_483_647, topP: 1 }],
    [{ sampling_topk: -1 }, { topK: 2_147_483_647, topP: 1 }],
    [{ sampling_topp: 0 }, { topK: 1, topP: 1 }],
    [
      { sampling_topk: 0, sampling_topp: 0.0 },
      { topK: 2_147_483_647, topP: 1 },
    ],
    [
      { sampling_topk: 1, sampling_topp: 0.5 },
      { topK: 1, topP: 0.5 },
    ],
  ])('reads %j as other servers do: 0 and -1 restrict nothing', (fields, sampling) => {
    const { job } = parseGenerateRequest({ text: 'a', ...fields }, null, LIMITS);
    expect(job.sampling).toMatchObject(sampling);
  });

  it('says in refusals what restricts nothing', () => {
    expect(refusalOf({ text: 'a', sampling_topk: -2 }).message).toBe(
      'sampling_topk is -2; allowed is from -1 to 2147483647 (0 and -1: not restricted).',
    );
    expect(refusalOf({ text: 'a', sampling_topp: 1.5 }).message).toBe(
      'sampling_topp is 1.5; allowed is from 0 to 1 (0: not restricted).',
    );
  });

  it('reads 1e999 as JSON does, and refuses it by range', () => {
    const body: unknown = JSON.parse('{"text":"a","sampling_temperature":1e999}');
    expect(refusalOf(body).code).toBe('request.out_of_range');
  });

  it('takes 2.0 for a whole number, as JSON does not tell them apart', () => {
    const body: unknown = JSON.parse('{"text":"a","sampling_topk":2.0}');
    expect(parseGenerateRequest(body, null, LIMITS).job.sampling.topK).toBe(2);
  });

  it('wants min_new_tokens to be no more than max_new_tokens, its default included', () => {
    expect(refusalOf({ text: 'a', min_new_tokens: 5, max_new_tokens: 4 })).toMatchObject({
      code: 'request.out_of_range',
    });
    expect(refusalOf({ text: 'a', min_new_tokens: 129 }).message).toContain('128');
    expect(refusalOf({ text: 'a', min_new_tokens: 5, max_new_tokens: 5 }).code).toBe('accepted');
  });
});

describe('prompts', () => {
  it('counts max_prompt_string_bytes in UTF-8 over the whole list', () => {
    const limits = { ...LIMITS, maxPromptStringBytes: 12 };
    expect(refusalOf({ text: '日本日本' }, limits).code).toBe('accepted');
    expect(refusalOf({ text: '日本日本!' }, limits).code).toBe('request.prompt_too_large');
    expect(refusalOf({ text: ['日本', '日本'] }, limits).code).toBe('accepted');
    const refusal = refusalOf({ text: ['日本', '日本', '!'] }, limits);
    expect(refusal.code).toBe('request.prompt_too_large');
    expect(refusal.message).toMatch(/13 bytes.*12.*max_prompt_string_bytes/su);
  });

  it('bounds the length of the list, and wants one prompt at least', () => {
    const limits = { ...LIMITS, maxUserBatchSize: 2 };
    expect(refusalOf({ text: ['a', 'b'] }, limits).code).toBe('accepted');
    expect(refusalOf({ text: ['a', 'b', 'c'] }, limits).message).toContain('max_user_batch_size');
    expect(refusalOf({ text: [] }).code).toBe('request.batch_empty');
    expect(refusalOf({ text: '' }).code).toBe('accepted');
    expect(refusalOf({ text: ['', ''] }).code).toBe('accepted');
  });

  it('refuses image tags by naming the setting that is off, and the prompt of a list', () => {
    const refusal = refusalOf({ text: ['a', 'see <image:https://example.com/a.png> this'] });
    expect(refusal.code).toBe('request.remote_images_disabled');
    expect(refusal.message).toContain('TAKEOFF_ALLOW_REMOTE_IMAGES');
    expect(refusal.message).toContain('text[1]');
  });
});

describe('the constraint of a request', () => {
  const constraintOf = (fields: object) =>
    parseGenerateRequest({ text: 'a', ...fields }, null, LIMITS).job.constraint;

  it('is the schema in json_schema as JSON, keys in their order', () => {
    expect(constraintOf({ json_schema: { type: 'object', properties: { b: {}, a: {} } } })).toEqual({
      kind: 'json_schema',
      field: 'json_schema',
      schema: '{"type":"object","properties":{"b":{},"a":{}}}',
    });
  });

  it('is regex_string where both are set, and none where neither is', () => {
    expect(constraintOf({ regex_string: 'a+', json_schema: {} })).toEqual({
      kind: 'regex',
      field: 'regex_string',
      pattern: 'a+',
    });
    expect(constraintOf({ regex_string: null, json_schema: null })).toBeNull();
  });

  it.each(['lmfe', 'outlines', 'lm-format-enforcer'])('takes the name of the engine %s', (name) => {
    expect(constraintOf({ constrained_decoding_backend: name })).toBeNull();
  });

  it('is refused with the names of engines when it names another one', () => {
    const refusal = refusalOf({ text: 'a', constrained_decoding_backend: 'mine' });
    expect(refusal.code).toBe('request.out_of_range');
    expect(refusal.message).toContain('lmfe');
  });

  it.each([false, '{}', 7, []])('is refused when json_schema is %j', (schema) => {
    expect(refusalOf({ text: 'a', json_schema: schema }).code).toBe('request.wrong_shape');
  });
});

describe('names of groups and adapters', () => {
  it('takes the name of an adapter, which the reader judges, and null for none', () => {
    const loraOf = (body: object) => parseGenerateRequest({ text: 'a', ...body }, null, LIMITS).job.loraId;
    expect(loraOf({ lora_id: 'style' })).toBe('style');
    expect([loraOf({}), loraOf({ lora_id: null })]).toEqual([null, null]);
  });

  it.each(['', 'a'.repeat(257)])('refuses a lora_id of no or too many characters', (name) => {
    const refusal = refusalOf({ text: 'a', lora_id: name });
    expect(refusal.code).toBe('request.out_of_range');
    expect(refusal.message).toContain(`lora_id has ${name.length} characters`);
  });

  it('does not repeat a long consumer_group', () => {
    const refusal = refusalOf({ text: 'a', consumer_group: 'g'.repeat(257) });
    expect(refusal.code).toBe('request.out_of_range');
    expect(refusal.message.length).toBeLessThan(100);
  });
});

describe('image_token_budget', () => {
  const budgetOf = (fields: object) =>
    parseGenerateRequest({ text: 'a', ...fields }, null, LIMITS).job.imageTokenBudget;

  it('is a number of tokens, or full; without it the reader decides', () => {
    const given = [64, 'full', null].map((budget) => budgetOf({ image_token_budget: budget }));
    expect(given).toEqual([64, 'full', null]);
    expect(budgetOf({})).toBeNull();
  });

  it('allows an image one token at least', () => {
    const refusal = refusalOf({ text: 'a', image_token_budget: 0 });
    expect(refusal.code).toBe('request.out_of_range');
    expect(refusal.message).toBe(
      'image_token_budget is 0; allowed is a whole number from 1, or "full" for all tokens of an image.',
    );
  });

  it.each([2 ** 53, 1e308, -1e308])(
    'is refused by range as %d, as other numbers are',
    (image_token_budget) => {
      const refusal = refusalOf({ text: 'a', image_token_budget });
      expect(refusal.code).toBe('request.out_of_range');
      expect(refusal.message).toContain('allowed is a whole number from 1');
    },
  );

  it.each([1.5, 'half', true])('is refused as %j, in words that say what it may be', (image_token_budget) => {
    const refusal = refusalOf({ text: 'a', image_token_budget });
    expect(refusal.code).toBe('request.wrong_shape');
    expect(refusal.message).toContain('expected a whole number from 1, or "full"');
  });
});

describe('cache_salt', () => {
  it('reaches the job, and is null where it is not given', () => {
    const saltOf = (body: unknown) => parseGenerateRequest(body, null, LIMITS).job.cacheSalt;
    expect(saltOf({ text: 'a', cache_salt: 'tenant 7' })).toBe('tenant 7');
    expect(saltOf({ text: 'a', cache_salt: null })).toBeNull();
    expect(saltOf({ text: 'a' })).toBeNull();
  });

  it.each(['', 'x'.repeat(257)])('may not have a length outside 1 to 256: %j', (cache_salt) => {
    const refusal = refusalOf({ text: 'a', cache_salt });
    expect(refusal.code).toBe('request.out_of_range');
    expect(refusal.message).toContain(`cache_salt has ${cache_salt.length} characters; allowed are 1 to 256`);
  });

  it('must be text', () => {
    expect(refusalOf({ text: 'a', cache_salt: 5 }).code).toBe('request.wrong_shape');
  });
});

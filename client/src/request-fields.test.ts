import { expect, it } from 'vitest';
import { InvalidInputError } from './errors.js';
import { requestFields } from './request-fields.js';

it('requestFields renames every option to the field of the HTTP API', () => {
  const schema = { type: 'object' };
  expect(
    requestFields('a', {
      samplingTemperature: 0.5,
      samplingTopp: 0.9,
      samplingTopk: 5,
      repetitionPenalty: 1.1,
      noRepeatNgramSize: 3,
      maxNewTokens: 10,
      minNewTokens: 2,
      regexString: 'a+',
      jsonSchema: schema,
      promptMaxTokens: 100,
      consumerGroup: 'g',
      loraId: 'l',
      constrainedDecodingBackend: 'lmfe',
      returnMetadata: true,
      useChatTemplate: false,
      image: 'a.png',
      timeoutMs: 5,
      signal: undefined,
    }),
  ).toEqual({
    text: 'a',
    sampling_temperature: 0.5,
    sampling_topp: 0.9,
    sampling_topk: 5,
    repetition_penalty: 1.1,
    no_repeat_ngram_size: 3,
    max_new_tokens: 10,
    min_new_tokens: 2,
    regex_string: 'a+',
    json_schema: schema,
    prompt_max_tokens: 100,
    consumer_group: 'g',
    lora_id: 'l',
    constrained_decoding_backend: 'lmfe',
    return_metadata: true,
    use_chat_template: false,
  });
});

it('requestFields leaves out undefined options', () => {
  expect(JSON.stringify(requestFields(['a'], { maxNewTokens: undefined }))).toBe('{"text":["a"]}');
});

it('requestFields refuses an unknown option and lists the known ones', () => {
  const misspelt: object = { maxTokens: 5 };
  expect(() => requestFields('a', misspelt)).toThrow(InvalidInputError);
  expect(() => requestFields('a', misspelt)).toThrow(
    'There is no option maxTokens. There are samplingTemperature,',
  );
});

it('requestFields answers the snake_case name of a field with the name of its option', () => {
  const snake: object = { max_new_tokens: 5 };
  expect(() => requestFields('a', snake)).toThrow(
    'There is no option max_new_tokens; here it is called maxNewTokens.',
  );
});

import { describe, expect, it } from 'vitest';
import type { Question } from '../ask/turn.js';
import { curlFile, pythonValue, scriptText, shellWord } from './literals.js';
import { LANGUAGES, programFor, type Target } from './programs.js';
import { nativeFields, openaiRequest } from './request-fields.js';

const TARGET: Target = { address: 'http://127.0.0.1:3000', needsKey: false };
const question = (changes: Partial<Question> = {}): Question => ({
  text: 'What is it?',
  options: { useChatTemplate: true },
  image: { name: 'a.jpg', blob: new Blob([], { type: 'image/jpeg' }), bytes: null },
  ...changes,
});

describe('nativeFields', () => {
  it('has the fields of the API in its spelling', () =>
    expect(
      nativeFields(
        question({
          options: { samplingTopk: 40, noRepeatNgramSize: 3, jsonSchema: {}, useChatTemplate: true },
        }),
      ),
    ).toEqual({
      text: 'What is it?',
      sampling_topk: 40,
      no_repeat_ngram_size: 3,
      json_schema: {},
      use_chat_template: true,
    }));
});

describe('openaiRequest', () => {
  it('says what the native API does by default: the likeliest token, 128 at most', () =>
    expect(openaiRequest(question())).toEqual({
      endpoint: 'chat/completions',
      known: { model: 'primary', max_tokens: 128, temperature: 0 },
      extra: {},
      missing: [],
    }));

  it('draws as the native API would where top-k is set', () =>
    expect(
      openaiRequest(question({ options: { useChatTemplate: true, samplingTopk: 0, samplingTopp: 0.9 } })),
    ).toMatchObject({ known: { temperature: 1, top_p: 0.9 }, extra: { top_k: 0 } }));

  it('names what OpenAI has no field for', () =>
    expect(
      openaiRequest(question({ options: { useChatTemplate: true, promptMaxTokens: 9 } }))?.missing,
    ).toEqual(['prompt_max_tokens']));

  it('completes a plain prompt, and cannot ask about an image without the template', () => {
    expect(openaiRequest(question({ options: {}, image: null }))?.endpoint).toBe('completions');
    expect(openaiRequest(question({ options: {} }))).toBeNull();
  });
});

describe('literals', () => {
  it.each([
    ['a.jpg', 'a.jpg'],
    [`it's; rm -rf ~`, `'it'\\''s; rm -rf ~'`],
    ['$(reboot)', `'$(reboot)'`],
  ])('of a shell quote %j', (text, word) => expect(shellWord(text)).toBe(word));

  it('of curl quote a name with its own marks', () =>
    expect(curlFile('a;type=b,"c".jpg')).toBe('@"a;type=b,\\"c\\".jpg"'));

  it.each([`it's`, 'a\nb', 'a\\', '</script>', '\u2028'])('of JavaScript give %j back', (text) => {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- The point of the test.
    expect(new Function(`return ${scriptText(text)}`)()).toBe(text);
  });

  it('of Python have its words for true, false and nothing', () =>
    expect(pythonValue({ a: [true, false, null, 1.5, 'x'] })).toBe('{"a": [True, False, None, 1.5, "x"]}'));
});

describe('programFor', () => {
  it.each(LANGUAGES.flatMap((language) => [[language, 'native'] as const, [language, 'openai'] as const]))(
    'in %s, %s API, never has the key and takes it from the environment where one is needed',
    (language, api) => {
      expect(programFor(language, api, question(), { ...TARGET, needsKey: true })).toContain(
        'TAKEOFF_API_KEY',
      );
      expect(programFor(language, api, question(), TARGET)).not.toContain('TAKEOFF_API_KEY');
    },
  );

  it('asks curl for the image and the fields as the page sent them', () =>
    expect(programFor('curl', 'native', question(), TARGET))
      .toBe(`curl -sN http://127.0.0.1:3000/image_generate_stream \\
  -F image_data=@a.jpg \\
  --form-string 'json_data={"text":"What is it?","use_chat_template":true}'
`));

  it('says that OpenAI cannot ask it, where it cannot', () =>
    expect(programFor('Python', 'openai', question({ options: {} }), TARGET)).toMatch(
      /^# OpenAI's API always/u,
    ));
});

import { describe, expect, it } from 'vitest';
import { InputError } from '../../../../errors.js';
import { LIMITS } from '../../scripted-app.fixture.js';
import { RequestImages } from '../../input/request-images.js';
import { MAX_MESSAGES } from '../../input/conversation-builder.js';
import { parseMessages } from './chat-messages.js';

const limits = { ...LIMITS, maxImagesPerPrompt: 3 };
const parse = (...messages: unknown[]) => parseMessages(messages, new RequestImages(limits), limits);
const text = (words: string) => ({ kind: 'text', text: words });
const shown = (image: number) => ({ kind: 'image', image });
const pngUrl = (byte: number) => `data:image/png;base64,${Buffer.from([byte]).toString('base64')}`;
const imageUrl = (byte: number) => ({ type: 'image_url', image_url: { url: pngUrl(byte), detail: 'low' } });
const textPart = (words: string) => ({ type: 'text', text: words });

function refusal(...messages: unknown[]): {
  readonly message: string;
  readonly field: unknown;
  readonly code: string;
} {
  try {
    parse(...messages);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { message: error.message, field: error.details['field'], code: error.code };
  }
  throw new TypeError('The messages were taken.');
}

describe('the roles of messages', () => {
  it('make turns of user and assistant, and one system text of system and developer', () => {
    expect(
      parse(
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: 'Hi.' },
        { role: 'developer', content: [textPart('Use metric units.')] },
        { role: 'user', content: 'How tall?' },
      ),
    ).toEqual({
      kind: 'conversation',
      system: 'Be brief.\n\nUse metric units.',
      turns: [
        { role: 'user', parts: [text('Hello')] },
        { role: 'assistant', parts: [text('Hi.')] },
        { role: 'user', parts: [text('How tall?')] },
      ],
    });
  });

  it('leave the system text to the template where there is none, and take an empty one', () => {
    expect(parse({ role: 'user', content: 'a' }).system).toBeNull();
    expect(parse({ role: 'system', content: '' }, { role: 'user', content: 'a' }).system).toBe('');
  });

  it('that follow themselves make one turn, text on lines of its own', () => {
    expect(parse({ role: 'user', content: 'a' }, { role: 'user', content: 'b' }).turns).toEqual([
      { role: 'user', parts: [text('a'), text('\nb')] },
    ]);
  });

  it('may be a system text alone, which an empty turn of the user follows', () => {
    const { system, turns } = parse({ role: 'system', content: 'Greet.' });
    expect({ system, turns }).toEqual({ system: 'Greet.', turns: [{ role: 'user', parts: [] }] });
  });

  it('may begin with a greeting of the assistant', () => {
    expect(parse({ role: 'assistant', content: 'Hi!' }, { role: 'user', content: 'a' }).turns).toEqual([
      { role: 'user', parts: [] },
      { role: 'assistant', parts: [text('Hi!')] },
      { role: 'user', parts: [text('a')] },
    ]);
  });

  it('tell of tools as text: a call by its name, its result under the name of the call', () => {
    const call = { id: 'c1', type: 'function', function: { name: 'count', arguments: '{"of":"circles"}' } };
    expect(
      parse(
        { role: 'user', content: 'How many?' },
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'c1', content: '2' },
        { role: 'tool', tool_call_id: 'other', content: [textPart('x')] },
      ).turns,
    ).toEqual([
      { role: 'user', parts: [text('How many?')] },
      { role: 'assistant', parts: [text('count({"of":"circles"})')] },
      { role: 'user', parts: [text('Result of count: 2'), text('\nResult of the tool: x')] },
    ]);
  });

  it('are refused by name where they are unknown, and where the last is not one that gets an answer', () => {
    expect(refusal({ role: 'narrator', content: 'a' })).toMatchObject({
      field: 'messages[0].role',
      message: 'messages[0].role is "narrator"; allowed is system, developer, user, assistant or tool.',
    });
    expect(refusal({ role: 'user', content: 'a' }, { role: 'assistant', content: 'b' })).toMatchObject({
      field: 'messages',
    });
  });
});

describe('images of messages', () => {
  it('stand in any turn of the user, numbered in order; the same one is one image', () => {
    const images = new RequestImages(limits);
    const { turns } = parseMessages(
      [
        { role: 'user', content: [imageUrl(1), textPart('first')] },
        { role: 'assistant', content: 'ok' },
        { role: 'user', content: [imageUrl(2), imageUrl(1), textPart('second')] },
      ],
      images,
      limits,
    );
    expect(turns[0]?.parts).toEqual([shown(0), text('first')]);
    expect(turns[2]?.parts).toEqual([shown(1), shown(0), text('second')]);
    expect(images.sources).toEqual([
      { kind: 'upload', bytes: Buffer.from([1]), place: 'messages[0].content[0].image_url.url' },
      { kind: 'upload', bytes: Buffer.from([2]), place: 'messages[2].content[0].image_url.url' },
    ]);
  });

  it('go in front of a text that they follow, and stay between texts', () => {
    const content = (...parts: unknown[]) => parse({ role: 'user', content: parts }).turns[0]?.parts;
    expect(content(textPart('a'), imageUrl(1), imageUrl(2))).toEqual([shown(0), shown(1), text('a')]);
    expect(content(textPart('a'), imageUrl(1), textPart('b'))).toEqual([text('a'), shown(0), text('b')]);
  });

  it('go in front of the text of another message of the same turn', () => {
    const turnOf = (...contents: unknown[]) =>
      parse(...contents.map((content) => ({ role: 'user', content }))).turns[0]?.parts;
    expect(turnOf('a', [imageUrl(1)])).toEqual([shown(0), text('a')]);
    expect(turnOf('a', [imageUrl(1)], 'b')).toEqual([text('a'), shown(0), text('b')]);
  });

  it.each([
    ["OpenAI's responses", { type: 'input_image', image_url: pngUrl(1), detail: 'auto' }],
    ['a URL without an object', { type: 'image_url', image_url: pngUrl(1) }],
    ["LangChain's blocks", { type: 'image', source_type: 'base64', mime_type: 'image/png', data: 'AQ==' }],
    ["LangChain's newer blocks", { type: 'image', mimeType: 'image/png', data: 'AQ==' }],
    ["LangChain's blocks of Python", { type: 'image', base64: 'AQ==', mime_type: 'image/png' }],
  ])('are taken in the form of %s', (_, part) => {
    const images = new RequestImages(limits);
    parseMessages([{ role: 'user', content: [part] }], images, limits);
    expect(images.sources).toMatchObject([{ kind: 'upload', bytes: Buffer.from([1]) }]);
  });

  it.each([
    [
      'a web address while remote images are off',
      { type: 'image_url', image_url: { url: 'https://x/a.png' } },
      'image_url.url',
      'request.remote_images_disabled',
    ],
    [
      'a path',
      { type: 'image_url', image_url: { url: '/etc/passwd' } },
      'image_url.url',
      'request.field_invalid',
    ],
    [
      'another scheme',
      { type: 'image_url', image_url: { url: 'file:///a.png' } },
      'image_url.url',
      'request.field_invalid',
    ],
    [
      'a file of an earlier upload',
      { type: 'input_image', file_id: 'f1' },
      'file_id',
      'request.not_supported',
    ],
    ['an image without anything', { type: 'image_url', image_url: {} }, 'image_url', 'request.field_invalid'],
    [
      'an address in a block of LangChain',
      { type: 'image', url: 'https://x/a.png' },
      'url',
      'request.not_supported',
    ],
    ['a sound', { type: 'input_audio', input_audio: { data: 'AAAA' } }, 'type', 'request.not_supported'],
    ['a file', { type: 'file', file: {} }, 'type', 'request.not_supported'],
    ['an unknown part', { type: 'hologram' }, 'type', 'request.field_invalid'],
    ['a text that is none', { type: 'text', text: 5 }, 'text', 'request.field_invalid'],
  ])('are refused with the place of %s', (_, part, field, code) => {
    expect(refusal({ role: 'user', content: [textPart('a'), part] })).toMatchObject({
      field: `messages[0].content[1].${field}`,
      code,
    });
  });

  it('are fetched from the web where the operator allows it, each address once', () => {
    const open = { ...limits, allowRemoteImages: true };
    const images = new RequestImages(open);
    const part = { type: 'image_url', image_url: { url: 'https://images.example/a.png' } };
    parseMessages([{ role: 'user', content: [part, part, textPart('a')] }], images, open);
    expect(images.sources).toEqual([
      { kind: 'url', url: 'https://images.example/a.png', place: 'messages[0].content[0].image_url.url' },
    ]);
  });

  it('are counted over the whole conversation', () => {
    const message = { role: 'user', content: [imageUrl(1), imageUrl(1)] };
    expect(refusal(message, message)).toMatchObject({
      code: 'request.too_many_images',
      field: 'messages[1].content[1].image_url.url',
      message: expect.stringContaining('max_images_per_prompt') as unknown,
    });
  });

  it('are refused in messages of the assistant and the system', () => {
    expect(refusal({ role: 'assistant', content: [imageUrl(1)] }).field).toBe('messages[0].content[0]');
    expect(refusal({ role: 'system', content: [imageUrl(1)] }).code).toBe('request.not_supported');
  });
});

describe('the bounds of messages', () => {
  it('count text of all messages together', () => {
    const long = 'x'.repeat(LIMITS.maxPromptStringBytes / 2 - 1);
    const message = { role: 'user', content: long };
    expect(() => parse(message, message)).not.toThrow();
    expect(refusal(message, message, { role: 'user', content: 'é' })).toMatchObject({
      code: 'request.prompt_too_large',
      field: 'messages',
    });
  });

  it('refuse lists that are too long before they look at what is in them', () => {
    const many = Array.from({ length: MAX_MESSAGES + 1 }, () => null);
    expect(refusal(...many)).toMatchObject({ field: 'messages', code: 'request.field_invalid' });
    expect(refusal({ role: 'user', content: Array.from({ length: 1025 }, () => null) })).toMatchObject({
      field: 'messages[0].content',
    });
    expect(refusal().message).toContain('messages is a list of 0');
  });

  it('refuse what is no message, by its place', () => {
    expect(refusal('hello').message).toBe(
      'messages[0] is "hello"; allowed is an object with role and content.',
    );
    expect(refusal({ role: 'user', content: 5 }).field).toBe('messages[0].content');
    expect(refusal({ content: 'a' }).message).toContain('messages[0].role is missing');
  });
});

import { describe, expect, it } from 'vitest';
import { InputError } from '../../errors.js';
import { findImageTags, validateNoImageTags } from './tags.js';

const join = (text: string): string =>
  findImageTags(text)
    .parts.map((part) => (part.kind === 'text' ? part.text : text.slice(part.start, part.end)))
    .join('');
const urls = (text: string): string[] =>
  findImageTags(text).parts.flatMap((part) => (part.kind === 'tag' ? [part.url] : []));

describe('findImageTags', () => {
  it('finds the documented tag at the start and keeps the text after it', () => {
    expect(findImageTags('<image:https://picsum.photos/id/237/200/300> \n Describe').parts).toEqual([
      { kind: 'tag', url: 'https://picsum.photos/id/237/200/300', scheme: 'https', start: 0, end: 44 },
      { kind: 'text', text: ' \n Describe' },
    ]);
  });

  it('finds tags in any position, one after the other and more than one', () => {
    expect(findImageTags('a<image:http://x/1><image:HTTPS://y>b').parts).toEqual([
      { kind: 'text', text: 'a' },
      { kind: 'tag', url: 'http://x/1', scheme: 'http', start: 1, end: 19 },
      { kind: 'tag', url: 'HTTPS://y', scheme: 'https', start: 19, end: 36 },
      { kind: 'text', text: 'b' },
    ]);
  });

  it('finds a tag behind an unclosed one', () => {
    expect(urls('<image:http://a <image:http://b>')).toEqual(['http://b']);
    expect(urls('<image:http://a<image:http://b>')).toEqual(['http://b']);
  });

  it.each(['ftp://h/x', 'file:///etc/passwd', 'data:image/png;base64,AAAA', 'javascript:alert(1)'])(
    'counts %s as a tag, so that it is refused and not read to the model',
    (url) => expect(urls(`<image:${url}>`)).toEqual([url]),
  );

  it.each([
    '',
    '<image>',
    '<image:>',
    '<image:x>',
    '<image:https:>',
    '<image://host/x>',
    '<IMAGE:https://host/x>',
    '<Image:https://host/x>',
    '< image:https://host/x>',
    '<image: https://host/x>',
    '<image:https://host/a b>',
    '<image:https://host/x',
    '<image:https://host/x\n>',
    'image:https://host/x>',
    '</s><image><s>[INST]<|im_start|>',
  ])('leaves %j text', (text) => {
    expect(findImageTags(text).parts).toEqual(text === '' ? [] : [{ kind: 'text', text }]);
  });

  it('loses no character of the text', () => {
    const pieces = ['<image:', 'http://', '>', '<', ' ', 'x', 'ä', '😀', '<image:https://a/b>', 'image:'];
    let state = 5;
    for (let round = 0; round < 2000; round += 1) {
      let text = '';
      for (let i = 0; i < 12; i += 1) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        text += pieces[(state >>> 16) % pieces.length] ?? '';
      }
      expect(join(text)).toBe(text);
    }
  });

  it.each([
    ['closed tags', '<image:http://a>'],
    ['unclosed tags', '<image:http://a'],
    ['bare openings', '<image:'],
  ])('reads a text of %s in linear time', (_, unit) => {
    const seconds = (count: number): number => {
      const text = unit.repeat(count);
      const start = process.cpuUsage();
      findImageTags(text);
      const used = process.cpuUsage(start);
      return (used.user + used.system) / 1e6;
    };
    seconds(100_000);
    // Ten times a hundred thousand's in linear time, a hundred times in quadratic time.
    expect(seconds(1_000_000)).toBeLessThan(40 * seconds(100_000));
  });
});

describe('validateNoImageTags', () => {
  const refusal = (text: string, prompt: number | null): unknown => {
    try {
      validateNoImageTags(text, prompt);
    } catch (error) {
      return error;
    }
    return undefined;
  };

  it('lets text pass', () => {
    expect(refusal('What is <image> in <b>HTML</b>?', null)).toBeUndefined();
  });

  it('names the setting, the variable and the prompt', () => {
    const error = refusal('x <image:https://h/a> <image:https://h/b>', 3);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({
      code: 'request.remote_images_disabled',
      details: { field: 'text[3]', got: 2 },
    });
    expect(String(error)).toContain('allow_remote_images');
    expect(String(error)).toContain('TAKEOFF_ALLOW_REMOTE_IMAGES');
  });
});

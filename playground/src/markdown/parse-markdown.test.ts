import { describe, expect, it } from 'vitest';
import { parseBlocks, parseInline } from './parse-markdown.js';

describe('parseBlocks', () => {
  it('tells paragraphs, headings, lists, quotations and code apart', () => {
    const text = '# Title\nOne\ntwo\n\n- a\n- b\n  more\n3. c\n> said\n```js\n# no title\n```\nend';
    expect(parseBlocks(text)).toEqual([
      { kind: 'heading', level: 1, text: 'Title' },
      { kind: 'paragraph', text: 'One\ntwo' },
      { kind: 'list', isOrdered: false, start: 1, items: ['a', 'b\nmore'] },
      { kind: 'list', isOrdered: true, start: 3, items: ['c'] },
      { kind: 'quote', text: 'said' },
      { kind: 'code', text: '# no title' },
      { kind: 'paragraph', text: 'end' },
    ]);
  });

  it('takes code that is not closed yet for code', () =>
    expect(parseBlocks('```\nlet a')).toEqual([{ kind: 'code', text: 'let a' }]));

  it('loses no word of any beginning of a text', () => {
    const text = '# T\n- a **b**\n\n> q\n1. x\n```\ncode\n```\n_e_ `c` [l](u) ![i](u) <b>h</b>';
    for (let length = 0; length <= text.length; length += 1) {
      const words = text.slice(0, length).match(/\w+/gu) ?? [];
      const parsed = JSON.stringify(parseBlocks(text.slice(0, length)));
      for (const word of words.filter((one) => one !== '1')) expect(parsed).toContain(word);
    }
  });
});

describe('parseInline', () => {
  it('finds code, strong and emphasised text', () =>
    expect(parseInline('a `b*c*` **d** *e* _f_ g_h_i')).toEqual([
      { kind: 'text', text: 'a ' },
      { kind: 'code', text: 'b*c*' },
      { kind: 'text', text: ' ' },
      { kind: 'strong', text: 'd' },
      { kind: 'text', text: ' ' },
      { kind: 'emphasis', text: 'e' },
      { kind: 'text', text: ' ' },
      { kind: 'emphasis', text: 'f' },
      { kind: 'text', text: ' g_h_i' },
    ]));

  it.each([
    '<script>alert(1)</script>',
    '[click](javascript:alert(1))',
    '![image](https://example.com/a.png)',
    '2 * 3 * 4',
    '**',
  ])('leaves %j the text that it is', (text) => expect(parseInline(text)).toEqual([{ kind: 'text', text }]));

  it('takes a hundred thousand marks in less than a second', () => {
    // A busy machine may stand still for a second, but not each time.
    let shortestMs = Infinity;
    for (let tries = 0; tries < 5 && shortestMs >= 1000; tries += 1) {
      const started = performance.now();
      for (const mark of ['*', '_', '`', '**a', '_a']) parseInline(mark.repeat(100_000));
      shortestMs = Math.min(shortestMs, performance.now() - started);
    }
    expect(shortestMs).toBeLessThan(1000);
  });
});

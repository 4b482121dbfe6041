import { beforeAll, describe, expect, it } from 'vitest';
import { tokenizer } from './echo-tokenizer.fixture.js';
import { Llguidance } from './llguidance.js';
import { Refused, type Matcher } from './matcher.js';
import { readVocabulary } from './vocabulary.js';
import { readLlguidanceWasm } from './wasm-file.js';
import { WasmHeap } from './wasm-heap.js';

const tokensOf = (text: string) => tokenizer.encodePlain(text);
const allowedBy = (mask: Uint32Array) =>
  Array.from({ length: mask.length * 32 }, (_, token) => token).filter(
    (token) => ((mask[token >> 5] ?? 0) >>> (token & 31)) & 1,
  );
const write = (matcher: Matcher, text: string) => {
  for (const token of tokensOf(text)) matcher.accept(token);
  return matcher;
};

let llguidance: Llguidance;
beforeAll(async () => {
  const wasm = new WebAssembly.Module(readLlguidanceWasm());
  llguidance = Llguidance.fromVocabulary(wasm, await readVocabulary(tokenizer));
});

describe('a matcher of llguidance', () => {
  it('allows what may come next, by mask and by token, and no special token', () => {
    const matcher = llguidance.compile('regex', 'a[bé]+');
    expect(allowedBy(matcher.computeMask())).toEqual(tokensOf('a'));
    expect(tokensOf('a').every((token) => matcher.allows(token))).toBe(true);
    expect([0, 1, 2, ...tokensOf('b')].some((token) => matcher.allows(token))).toBe(false);
    write(matcher, 'a');
    expect(allowedBy(matcher.computeMask())).toEqual([...tokensOf('b'), tokensOf('é')[0]]);
    matcher.close();
  });

  it('tells whether the text may end and whether it must', () => {
    const matcher = llguidance.compile('regex', 'ab?c?');
    expect([matcher.isAccepting, matcher.isStopped]).toEqual([false, false]);
    write(matcher, 'a');
    expect([matcher.isAccepting, matcher.isStopped]).toEqual([true, false]);
    write(matcher, 'bc');
    expect([matcher.isAccepting, matcher.isStopped]).toEqual([true, true]);
    expect(matcher.allows(tokensOf('c')[0] ?? 0)).toBe(false);
    expect(allowedBy(matcher.computeMask())).toEqual([]);
    matcher.close();
  });

  it('clones to another one that goes its own way', () => {
    const matcher = write(llguidance.compile('regex', 'a(bb|cc)'), 'a');
    const clone = matcher.clone();
    write(clone, 'b');
    expect(allowedBy(clone.computeMask())).toEqual(tokensOf('b'));
    expect(allowedBy(matcher.computeMask())).toEqual(tokensOf('bc'));
    clone.close();
    write(matcher, 'cc').close();
  });

  it('says why a grammar is none', () => {
    expect(() => llguidance.compile('regex', '(a')).toThrow(Refused);
    expect(() => llguidance.compile('json_schema', '{"type":"strin"}')).toThrow(/strin/);
  });

  it('gives its memory back: a thousand grammars need no more of it than a hundred', () => {
    const compileAndClose = (count: number) => {
      for (let i = 0; i < count; i += 1) {
        const matcher = llguidance.compile('json_schema', `{"type":"string","maxLength":${(i % 50) + 1}}`);
        matcher.computeMask();
        matcher.close();
      }
      return llguidance.memoryBytes;
    };
    expect(compileAndClose(100)).toBe(compileAndClose(900));
  });
});

describe('an image of llguidance', () => {
  it('is taken over a megabyte at a time', () => {
    const { wasm, memory } = llguidance.takeImage();
    const slices = [...new WasmHeap(wasm).takeOver(memory)];
    expect(slices).toHaveLength(Math.ceil(memory.byteLength / 2 ** 20));
  });

  it('is a working instance with the same vocabulary', async () => {
    const other = await Llguidance.fromImage(llguidance.takeImage());
    const matcher = write(other.compile('json_schema', '{"type":"object"}'), '{"a": [1]');
    expect(allowedBy(matcher.computeMask())).toEqual(expect.arrayContaining(tokensOf('},')));
    matcher.close();
  });
});

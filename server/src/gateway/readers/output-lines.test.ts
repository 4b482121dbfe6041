import { expect, it } from 'vitest';
import { OutputLines } from './output-lines.js';

function collect(...chunks: readonly string[]): string[] {
  const seen: string[] = [];
  const lines = new OutputLines((line) => seen.push(line));
  for (const chunk of chunks) lines.push(chunk);
  lines.end();
  return seen;
}

it('gives the same lines wherever the output is cut', () => {
  const output = 'one\r\n\n  two \nthree';
  for (let cut = 0; cut <= output.length; cut += 1)
    expect(collect(output.slice(0, cut), output.slice(cut))).toEqual(['one', '  two', 'three']);
});

it('gives an endless line in pieces, before it ends', () => {
  const seen: string[] = [];
  const lines = new OutputLines((line) => seen.push(line));
  lines.push('x'.repeat(20_000));
  expect(seen.map(({ length }) => length)).toEqual([8192, 8192]);
  lines.end();
  expect(seen.join('')).toBe('x'.repeat(20_000));
});

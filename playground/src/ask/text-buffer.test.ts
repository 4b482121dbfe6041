import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TextBuffer } from './text-buffer.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function buffer(): { readonly shown: string[]; readonly text: TextBuffer } {
  const shown: string[] = [];
  return { shown, text: new TextBuffer((more) => shown.push(more)) };
}

describe('TextBuffer', () => {
  it('shows a piece at once where there was a pause before it', () => {
    const { shown, text } = buffer();
    text.add('a');
    vi.advanceTimersByTime(1000);
    text.add('b');
    expect(shown).toEqual(['a', 'b']);
  });

  it('shows pieces that follow each other quickly together', () => {
    const { shown, text } = buffer();
    for (const piece of ['a', 'b', 'c']) text.add(piece);
    expect(shown).toEqual(['a']);
    vi.runAllTimers();
    expect(shown).toEqual(['a', 'bc']);
  });

  it('shows the end without a wait, and nothing after it', () => {
    const { shown, text } = buffer();
    text.add('a');
    text.add('b');
    text.flush();
    expect(shown).toEqual(['a', 'b']);
    vi.runAllTimers();
    text.flush();
    expect(shown).toEqual(['a', 'b']);
  });
});

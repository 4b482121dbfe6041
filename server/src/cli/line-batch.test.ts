import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LineBatch } from './line-batch.js';

describe('LineBatch', () => {
  let written: string[] = [];
  let lines = new LineBatch(() => undefined);

  beforeEach(() => {
    vi.useFakeTimers();
    written = [];
    lines = new LineBatch((text) => written.push(text));
  });
  afterEach(() => void vi.useRealTimers());

  it('writes what comes within a tenth of a second at once, in order', () => {
    lines.add('a\n');
    vi.advanceTimersByTime(60);
    lines.add('b\n');
    expect(written).toEqual([]);
    vi.advanceTimersByTime(40);
    expect(written).toEqual(['a\nb\n']);
    lines.add('c\n');
    vi.advanceTimersByTime(100);
    expect(written).toEqual(['a\nb\n', 'c\n']);
  });

  it('writes before its time is over when much has gathered', () => {
    const line = `${'x'.repeat(999)}\n`;
    for (let i = 0; i < 66; i += 1) lines.add(line);
    expect(written).toEqual([line.repeat(66)]);
    vi.advanceTimersByTime(100);
    expect(written).toHaveLength(1);
  });

  it('writes nothing when nothing has gathered', () => {
    lines.flush();
    lines.add('a\n');
    lines.flush();
    lines.flush();
    vi.advanceTimersByTime(100);
    expect(written).toEqual(['a\n']);
  });
});

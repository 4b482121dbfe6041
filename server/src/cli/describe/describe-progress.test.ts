import { TakeoffApiError } from 'takeoff-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RecordingTerminal } from '../../../../test/oracles/recording-terminal.js';
import { DescribeProgress } from './describe-progress.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});
const broken = new TakeoffApiError('image.undecodable', 'The image is broken.', { status: 400 });

describe('DescribeProgress', () => {
  it('shows rate and remaining time on an interactive terminal', () => {
    const terminal = new RecordingTerminal(true);
    const progress = new DescribeProgress(terminal, 300);
    progress.begin();
    expect(terminal.complained).toContain('0 of 300');
    for (let n = 0; n < 100; n += 1) {
      vi.advanceTimersByTime(500);
      progress.settled('a', n === 0 ? broken : null);
    }
    expect(terminal.complained).toContain('100 of 300, 2.0/s, 1:40 min left, 1 failed');
  });

  it('gives rates below one image a second by the minute', () => {
    const terminal = new RecordingTerminal(true);
    const progress = new DescribeProgress(terminal, 61);
    vi.advanceTimersByTime(90_000);
    progress.settled('a', null);
    expect(terminal.complained).toContain('1 of 61, 0.7/min, 1:30 h left');
  });

  it('writes a line for each tenth into a log, and one line for all pauses', () => {
    const terminal = new RecordingTerminal();
    const progress = new DescribeProgress(terminal, 1000);
    for (let n = 0; n < 1000; n += 1) progress.settled('a', null);
    for (let n = 0; n < 9; n += 1) progress.waiting('Nobody there.', n * 1000);
    expect(terminal.complained.trimEnd().split('\n')).toHaveLength(12);
    expect(terminal.complained).toContain('waiting for the server: Nobody there.');
  });

  it('summarises the failed images and where they are listed', () => {
    const terminal = new RecordingTerminal();
    const progress = new DescribeProgress(terminal, 70);
    for (let n = 0; n < 60; n += 1) progress.settled(`${n}.png`, broken);
    progress.settled('x', null);
    vi.advanceTimersByTime(61_000);
    progress.summarise('out.failed.jsonl');
    expect(terminal.complained).toContain('1 described, 60 failed (1:01 min, 1.0/s).');
    expect(terminal.complained).toContain('  0.png: The image is broken. (image.undecodable)\n');
    expect(terminal.complained).toContain('and 10 more');
    expect(terminal.complained).toContain('listed in out.failed.jsonl; --retry-failed tries them again');
  });

  it('says what reads a format that the server refused', () => {
    const refused = new TakeoffApiError('image.format_unsupported', 'A HEIC image.', { status: 400 });
    for (const [path, failure, isTold] of [
      ['a.heic', refused, true],
      ['a.svg', refused, false],
      ['a.heic', broken, false],
    ] as const) {
      const terminal = new RecordingTerminal();
      const progress = new DescribeProgress(terminal, 1);
      progress.settled(path, failure);
      progress.summarise(null);
      expect(terminal.complained.includes('--convert reads TIFF, AVIF and HEIC.')).toBe(isTold);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { StageClock } from './stage-clock.js';

describe('StageClock', () => {
  it('gives each stage the time between two changes', () => {
    const clock = new StageClock();
    clock.enter('vision', 100);
    clock.enter('prefill', 140);
    clock.enter('prefill', 150);
    clock.enter('decode', 160);
    expect(clock.stop(200)).toEqual({ visionMs: 40, prefillMs: 20, decodeMs: 40 });
  });

  it('counts no time of a sequence without a place, and adds up what it does before and after', () => {
    const clock = new StageClock();
    clock.enter('prefill', 10);
    clock.enter('decode', 20);
    clock.enter('waiting', 25);
    clock.enter('prefill', 1000);
    clock.enter('decode', 1001);
    expect(clock.stop(1010)).toEqual({ visionMs: 0, prefillMs: 11, decodeMs: 14 });
  });

  it('is all zero for a sequence that ends before it had a place', () => {
    expect(new StageClock().stop(500)).toEqual({ visionMs: 0, prefillMs: 0, decodeMs: 0 });
  });
});

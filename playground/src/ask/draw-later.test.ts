import { options } from 'preact';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { drawAfterThisTask } from './draw-later.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  delete options.debounceRendering;
});

describe('drawAfterThisTask', () => {
  it('draws once the task is over, and not between its promises', async () => {
    const draw = vi.fn();
    drawAfterThisTask();
    options.debounceRendering?.(draw);
    await Promise.resolve();
    expect(draw).not.toHaveBeenCalled();
    vi.runAllTimers();
    expect(draw).toHaveBeenCalledOnce();
  });

  it('leaves later changes to be drawn as ever', () => {
    drawAfterThisTask();
    options.debounceRendering?.(() => undefined);
    vi.runAllTimers();
    expect(options).not.toHaveProperty('debounceRendering');
  });
});

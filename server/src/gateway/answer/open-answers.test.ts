import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OpenAnswers } from './open-answers.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('OpenAnswers', () => {
  it('is idle at once while no answer is open', async () => {
    expect(await new OpenAnswers().idle(0)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is idle when the last of several answers is left, not the first', async () => {
    const answers = new OpenAnswers();
    const [leaveFirst, leaveSecond] = [answers.enter(), answers.enter()];
    const idle = vi.fn();
    void answers.idle(1000).then(idle);
    leaveFirst();
    await vi.advanceTimersByTimeAsync(10);
    expect(idle).not.toHaveBeenCalled();
    leaveSecond();
    await vi.advanceTimersByTimeAsync(0);
    expect(idle).toHaveBeenCalledWith(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives up when an answer is open longer than the time', async () => {
    const answers = new OpenAnswers();
    answers.enter();
    const idle = answers.idle(1000);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await idle).toBe(false);
  });

  it('counts an answer that is left twice once', () => {
    const answers = new OpenAnswers();
    const leave = answers.enter();
    answers.enter();
    leave();
    leave();
    expect(answers.count).toBe(1);
  });
});

import { describe, expect, it } from 'vitest';
import { StepTarget, type StepTargetSetting } from './step-target.js';

function afterSteps(setting: StepTargetSetting, ...aloneMs: number[]): StepTarget {
  const target = new StepTarget(setting);
  for (const ms of aloneMs) target.noteAlone(ms);
  return target;
}

describe('StepTarget', () => {
  it('is 200 ms, half of it for images, before any answer has gone on alone', () => {
    const target = afterSteps('auto');
    expect([target.stepMs('text'), target.stepMs('image'), target.visionMs]).toEqual([200, 200, 100]);
  });

  it.each([
    { model: '1 B on two cores', alone: 20, text: 72, image: 80, visionMs: 60 },
    { model: '7 B on two cores', alone: 250, text: 900, image: 1000, visionMs: 750 },
    { model: 'a tiny model', alone: 1, text: 40, image: 40, visionMs: 39 },
  ])('is some four times a token alone, encoding included: $model', ({ alone, text, image, visionMs }) => {
    const target = afterSteps('auto', alone, alone, alone);
    expect(target.stepMs('text')).toBeCloseTo(text, 5);
    expect(target.stepMs('image')).toBeCloseTo(image, 5);
    expect(target.visionMs).toBeCloseTo(visionMs, 5);
  });

  it('does not follow one step that stalled', () => {
    expect(afterSteps('auto', 20, 20, 5000, 20).stepMs('text')).toBe(72);
  });

  it('forgets a machine that was faster', () => {
    const slower = Array.from({ length: 16 }, () => 40);
    expect(afterSteps('auto', 20, 20, 20, ...slower).stepMs('text')).toBe(144);
  });

  it('is what was set, however long tokens take', () => {
    for (const [alone, visionMs] of [
      [20, 80],
      [300, 50],
    ] as const) {
      const target = afterSteps(100, alone);
      expect([target.stepMs('text'), target.stepMs('image'), target.visionMs]).toEqual([100, 100, visionMs]);
    }
  });
});

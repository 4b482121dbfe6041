import { describe, expect, it } from 'vitest';
import { StepTarget, type StepTargetSetting } from './step-target.js';

function afterSteps(setting: StepTargetSetting, ...aloneMs: number[]): StepTarget {
  const target = new StepTarget(setting);
  for (const ms of aloneMs) target.noteAlone(ms);
  return target;
}

describe('StepTarget', () => {
  it('is 200 ms, half of it for images, before any answer has gone on alone', () => {
    expect(afterSteps('auto')).toMatchObject({ stepMs: 200, visionMs: 100 });
  });

  it.each([
    { model: '1 B on two cores', alone: 20, stepMs: 76, visionMs: 56 },
    { model: '7 B on two cores', alone: 250, stepMs: 950, visionMs: 700 },
    { model: 'a tiny model', alone: 1, stepMs: 40, visionMs: 39 },
  ])('is less than four times a token alone, images included: $model', ({ alone, stepMs, visionMs }) => {
    const target = afterSteps('auto', alone, alone, alone);
    expect(target.stepMs).toBeCloseTo(stepMs, 5);
    expect(target.visionMs).toBeCloseTo(visionMs, 5);
  });

  it('does not follow one step that stalled', () => {
    expect(afterSteps('auto', 20, 20, 5000, 20).stepMs).toBe(76);
  });

  it('forgets a machine that was faster', () => {
    const slower = Array.from({ length: 16 }, () => 40);
    expect(afterSteps('auto', 20, 20, 20, ...slower).stepMs).toBe(152);
  });

  it('is what was set, however long tokens take', () => {
    expect(afterSteps(100, 20)).toMatchObject({ stepMs: 100, visionMs: 80 });
    expect(afterSteps(100, 300)).toMatchObject({ stepMs: 100, visionMs: 50 });
  });
});

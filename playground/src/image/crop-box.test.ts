import { describe, expect, it } from 'vitest';
import { boxBetween, middleBox, moveBox, resizeBox } from './crop-box.js';

const IMAGE = { width: 100, height: 50 };

describe('boxBetween', () => {
  it.each([
    [
      { x: 10.2, y: 5 },
      { x: 60.4, y: 45 },
    ],
    [
      { x: 60.4, y: 45 },
      { x: 10.2, y: 5 },
    ],
  ])('of %j and %j is the same box in whole pixels', (from, to) =>
    expect(boxBetween(from, to, IMAGE)).toEqual({ left: 10, top: 5, width: 50, height: 40 }),
  );

  it('ends where the image ends', () =>
    expect(boxBetween({ x: -40, y: -9 }, { x: 400, y: 90 }, IMAGE)).toEqual({
      left: 0,
      top: 0,
      ...IMAGE,
    }));

  it('is none where a click hardly moved', () =>
    expect(boxBetween({ x: 10, y: 10 }, { x: 12, y: 40 }, IMAGE)).toBeNull());
});

it('moveBox keeps the size and stays inside', () =>
  expect(moveBox({ left: 60, top: 5, width: 30, height: 20 }, 50, -50, IMAGE)).toEqual({
    left: 70,
    top: 0,
    width: 30,
    height: 20,
  }));

it('resizeBox keeps the corner, a least size and the edges', () => {
  const box = { left: 60, top: 5, width: 30, height: 20 };
  expect(resizeBox(box, 500, -500, IMAGE)).toEqual({ left: 60, top: 5, width: 40, height: 8 });
});

it('middleBox is half of each side', () =>
  expect(middleBox(IMAGE)).toEqual({ left: 25, top: 13, width: 50, height: 25 }));

import { describe, expect, it } from 'vitest';
import { planUpload, SHRINK_ABOVE_PX, type ImageFacts, type PlanOptions } from './plan-upload.js';

const PHOTO: ImageFacts = {
  sniffed: { kind: 'accepted', format: 'JPEG' },
  sizeBytes: 5_000_000,
  widthPx: 4000,
  heightPx: 3000,
};
const SMALL: ImageFacts = { ...PHOTO, widthPx: 640, heightPx: 480 };
const LIMITS = { body_size_limit_bytes: 10_000_000, max_image_pixels: 10_000_000, max_image_side_px: 65_535 };
const OPTIONS: PlanOptions = { box: null, keepsOriginal: false, limits: LIMITS };

describe('planUpload', () => {
  it('sends an image of ordinary size as it is', () =>
    expect(planUpload(SMALL, OPTIONS)).toEqual({ kind: 'asItIs' }));

  it('shrinks a large photograph to the stated side, in its shape', () =>
    expect(planUpload(PHOTO, OPTIONS)).toEqual({
      kind: 'redrawn',
      box: { left: 0, top: 0, width: 4000, height: 3000 },
      widthPx: SHRINK_ABOVE_PX,
      heightPx: 1536,
    }));

  it('cuts a box out at full size where it is small enough', () => {
    const box = { left: 10, top: 20, width: 300, height: 200 };
    expect(planUpload(PHOTO, { ...OPTIONS, box })).toEqual({
      kind: 'redrawn',
      box,
      widthPx: 300,
      heightPx: 200,
    });
  });

  it.each([
    ['bytes', { ...SMALL, sizeBytes: 9_999_000 }, 'body_size_limit_bytes'],
    ['pixels', PHOTO, 'max_image_pixels'],
    ['side', { ...SMALL, widthPx: 70_000, heightPx: 2 }, '65535'],
  ])('refuses an original with too many %s and names the limit', (_, facts, named) => {
    const plan = planUpload(facts, { ...OPTIONS, keepsOriginal: true });
    expect(plan).toMatchObject({ kind: 'refused' });
    expect(JSON.stringify(plan)).toContain(named);
  });

  it('lets the server decide where its limits are not known', () =>
    expect(planUpload(PHOTO, { ...OPTIONS, keepsOriginal: true, limits: null })).toEqual({ kind: 'asItIs' }));

  it('redraws what the server does not take and the browser can show', () =>
    expect(
      planUpload({ ...SMALL, sniffed: { kind: 'convertible', name: 'an AVIF image' } }, OPTIONS),
    ).toMatchObject({ kind: 'redrawn' }));

  it.each([
    [{ kind: 'convertible', name: 'a HEIC image' } as const, 'a HEIC image, which this browser cannot read'],
    [{ kind: 'accepted', format: 'PNG' } as const, 'broken'],
    [{ kind: 'refused', name: 'a PDF document' } as const, 'This is a PDF document. Images are JPEG'],
  ])('refuses what the browser cannot show: %j', (sniffed, said) =>
    expect(
      JSON.stringify(planUpload({ ...SMALL, sniffed, widthPx: null, heightPx: null }, OPTIONS)),
    ).toContain(said),
  );
});

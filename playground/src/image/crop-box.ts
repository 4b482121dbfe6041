// The part of an image that a question is about, in pixels of the image as it is shown. Pure.

export interface CropBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface PixelSize {
  readonly width: number;
  readonly height: number;
}

/** The smallest side that is worth asking about. */
export const MIN_CROP_PX = 8;

/** The box between two corners, in whole pixels of the image and inside it. Null where it is too small to mean anything. */
export function boxBetween(
  from: { readonly x: number; readonly y: number },
  to: { readonly x: number; readonly y: number },
  image: PixelSize,
): CropBox | null {
  const [left, right] = within(from.x, to.x, image.width);
  const [top, bottom] = within(from.y, to.y, image.height);
  const box = { left, top, width: right - left, height: bottom - top };
  return box.width < MIN_CROP_PX || box.height < MIN_CROP_PX ? null : box;
}

/** The box moved by so many pixels, its size kept, as far as the image reaches. */
export const moveBox = (box: CropBox, dx: number, dy: number, image: PixelSize): CropBox => ({
  ...box,
  left: clamp(box.left + dx, 0, image.width - box.width),
  top: clamp(box.top + dy, 0, image.height - box.height),
});

/** The box with its lower right corner moved by so many pixels. */
export const resizeBox = (box: CropBox, dx: number, dy: number, image: PixelSize): CropBox => ({
  ...box,
  width: clamp(box.width + dx, Math.min(MIN_CROP_PX, image.width), image.width - box.left),
  height: clamp(box.height + dy, Math.min(MIN_CROP_PX, image.height), image.height - box.top),
});

/** Where a keyboard's crop begins: the middle half. */
export const middleBox = ({ width, height }: PixelSize): CropBox => ({
  left: Math.round(width / 4),
  top: Math.round(height / 4),
  width: Math.round(width / 2),
  height: Math.round(height / 2),
});

function within(a: number, b: number, end: number): readonly [number, number] {
  const [low, high] = a < b ? [a, b] : [b, a];
  return [clamp(Math.round(low), 0, end), clamp(Math.round(high), 0, end)];
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

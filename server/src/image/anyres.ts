// Which grid of tiles an image gets in `anyres` mode, and where it lies on it. Follows haotian-liu/LLaVA c121f043,
// llava/mm_utils.py (select_best_resolution, resize_and_pad_image). Pinpoints are [width, height]; ties go to the earlier one.
import { Defect } from '../errors.js';

export interface AnyresPlacement {
  /** [width, height] of the chosen canvas in pixels. */
  readonly pinpoint: readonly [number, number];
  readonly resizedWidthPx: number;
  readonly resizedHeightPx: number;
  readonly leftPx: number;
  readonly topPx: number;
}

export function placeOnGrid(
  widthPx: number,
  heightPx: number,
  pinpoints: readonly (readonly [number, number])[],
): AnyresPlacement {
  const pinpoint = selectPinpoint(widthPx, heightPx, pinpoints);
  const [canvasWidth, canvasHeight] = pinpoint;
  const scaleX = canvasWidth / widthPx;
  const scaleY = canvasHeight / heightPx;
  const fillsWidth = scaleX < scaleY;
  const resizedWidthPx = fillsWidth ? canvasWidth : Math.min(Math.ceil(widthPx * scaleY), canvasWidth);
  const resizedHeightPx = fillsWidth ? Math.min(Math.ceil(heightPx * scaleX), canvasHeight) : canvasHeight;
  return {
    pinpoint,
    resizedWidthPx,
    resizedHeightPx,
    leftPx: Math.floor((canvasWidth - resizedWidthPx) / 2),
    topPx: Math.floor((canvasHeight - resizedHeightPx) / 2),
  };
}

/** Most effective pixels first, then least waste. */
function selectPinpoint(
  widthPx: number,
  heightPx: number,
  pinpoints: readonly (readonly [number, number])[],
): readonly [number, number] {
  let best: readonly [number, number] | undefined;
  let bestEffective = 0;
  let leastWaste = Infinity;
  for (const pinpoint of pinpoints) {
    const [width, height] = pinpoint;
    const scale = Math.min(width / widthPx, height / heightPx);
    const scaledPixels = Math.trunc(widthPx * scale) * Math.trunc(heightPx * scale);
    const effective = Math.min(scaledPixels, widthPx * heightPx);
    const waste = width * height - effective;
    if (effective > bestEffective || (effective === bestEffective && waste < leastWaste)) {
      best = pinpoint;
      bestEffective = effective;
      leastWaste = waste;
    }
  }
  if (best === undefined) throw new Defect('anyres needs at least one grid pinpoint.');
  return best;
}

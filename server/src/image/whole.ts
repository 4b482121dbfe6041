// The size of an image that is handed on whole: its own, or the largest of the same shape that has no more pixels than allowed.

export interface PixelSize {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** @param maxPixels 1 or more */
export function wholeSize({ widthPx, heightPx }: PixelSize, maxPixels: number): PixelSize {
  if (widthPx * heightPx <= maxPixels) return { widthPx, heightPx };
  const scale = Math.sqrt(maxPixels / (widthPx * heightPx));
  const shortIsWidth = widthPx <= heightPx;
  // Rounded down, so that the product stays below the limit; a side of no pixels would be no image.
  const short = Math.max(1, Math.floor((shortIsWidth ? widthPx : heightPx) * scale));
  const long = Math.min(
    Math.floor(maxPixels / short),
    Math.max(1, Math.floor((shortIsWidth ? heightPx : widthPx) * scale)),
  );
  return shortIsWidth ? { widthPx: short, heightPx: long } : { widthPx: long, heightPx: short };
}

// From an image to the u8 tiles that the vision tower takes, in the three modes of the reference. Follows
// haotian-liu/LLaVA c121f043, llava/mm_utils.py (process_images, expand2square, process_anyres_image), with the resize and
// centre crop of CLIPImageProcessor. Normalisation comes later, in the reader: tiles cross the link as bytes.
import type { VisionSettings } from '../model/description.js';
import { placeOnGrid } from './anyres.js';
import { resizeBicubic } from './bicubic.js';
import type { RgbBitmap, RgbColour } from './bitmap.js';
import { resizeImage } from './resize.js';

/** Tiles u8 [tiles, sidePx, sidePx, 3] RGB, the base view first. */
export function preprocess(bitmap: RgbBitmap, vision: VisionSettings): Uint8Array {
  switch (vision.aspect) {
    case 'pad':
      return padToSquare(bitmap, vision);
    case 'square':
      return cropCentre(bitmap, vision.sidePx);
    case 'anyres':
      return cutTiles(bitmap, vision);
  }
}

/** The image in the middle of a square of the mean colour, resized. The square is never built. */
function padToSquare(bitmap: RgbBitmap, { sidePx, mean }: VisionSettings): Uint8Array {
  const { widthPx, heightPx } = bitmap;
  const square = Math.max(widthPx, heightPx);
  const fill: RgbColour = [Math.trunc(mean[0] * 255), Math.trunc(mean[1] * 255), Math.trunc(mean[2] * 255)];
  const canvas = {
    bitmap,
    widthPx: square,
    heightPx: square,
    leftPx: Math.floor((square - widthPx) / 2),
    topPx: Math.floor((square - heightPx) / 2),
    fill,
  };
  return resizeBicubic(canvas, sidePx, sidePx).pixels;
}

/** Shortest edge to sidePx, then the centre: the ends of a long image are cut off, and never computed. */
function cropCentre(bitmap: RgbBitmap, sidePx: number): Uint8Array {
  const { widthPx, heightPx } = bitmap;
  const short = Math.min(widthPx, heightPx);
  const long = Math.trunc((sidePx * Math.max(widthPx, heightPx)) / short);
  const resizedWidth = widthPx <= heightPx ? sidePx : long;
  const resizedHeight = widthPx <= heightPx ? long : sidePx;
  return resizeImage(bitmap, resizedWidth, resizedHeight, {
    leftPx: Math.floor((resizedWidth - sidePx) / 2),
    topPx: Math.floor((resizedHeight - sidePx) / 2),
    widthPx: sidePx,
    heightPx: sidePx,
  }).pixels;
}

/** Base view (the whole image squashed to a square), then the grid's tiles in raster order on black. */
function cutTiles(bitmap: RgbBitmap, { sidePx, gridPinpoints }: VisionSettings): Uint8Array {
  const place = placeOnGrid(bitmap.widthPx, bitmap.heightPx, gridPinpoints);
  const columns = Math.floor(place.pinpoint[0] / sidePx);
  const rows = Math.floor(place.pinpoint[1] / sidePx);
  const tileBytes = sidePx * sidePx * 3;
  const tiles = new Uint8Array((1 + columns * rows) * tileBytes);
  tiles.set(resizeImage(bitmap, sidePx, sidePx).pixels);
  const { pixels } = resizeImage(bitmap, place.resizedWidthPx, place.resizedHeightPx);
  for (let y = 0; y < place.resizedHeightPx; y += 1) {
    const canvasY = y + place.topPx;
    const gridRow = Math.floor(canvasY / sidePx);
    if (gridRow >= rows) break;
    // One line of the image falls on one tile after the other.
    for (let x = 0; x < place.resizedWidthPx;) {
      const canvasX = x + place.leftPx;
      const gridColumn = Math.floor(canvasX / sidePx);
      if (gridColumn >= columns) break;
      const run = Math.min(place.resizedWidthPx - x, (gridColumn + 1) * sidePx - canvasX);
      const from = (y * place.resizedWidthPx + x) * 3;
      const tile = 1 + gridRow * columns + gridColumn;
      const to = tile * tileBytes + ((canvasY % sidePx) * sidePx + (canvasX % sidePx)) * 3;
      tiles.set(pixels.subarray(from, from + run * 3), to);
      x += run;
    }
  }
  return tiles;
}

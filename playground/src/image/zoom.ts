// How large the image is shown, and how far it is pushed from the middle. Pure.

export interface Zoom {
  /** 1 fits the image into its place. */
  readonly scale: number;
  /** In pixels of the screen. */
  readonly x: number;
  readonly y: number;
}

export const FITTED: Zoom = { scale: 1, x: 0, y: 0 };

const MAX_SCALE = 16;
/** Below it the image is back in its place. */
const NEARLY_FITTED = 1.02;

export function zoomed({ scale, x, y }: Zoom, factor: number): Zoom {
  const next = Math.min(MAX_SCALE, scale * factor);
  if (next < NEARLY_FITTED) return FITTED;
  return { scale: next, x: (x * next) / scale, y: (y * next) / scale };
}

/** A fitted image stays where it is. */
export const shifted = (zoom: Zoom, dx: number, dy: number): Zoom =>
  zoom.scale === 1 ? zoom : { ...zoom, x: zoom.x + dx, y: zoom.y + dy };

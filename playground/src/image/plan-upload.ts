// Whether an image is sent as it is, or made smaller or into another format first, and whether it may be sent at all. Pure.
import type { PageLimits } from 'takeoff-wire';
import type { CropBox } from './crop-box.js';
import { ACCEPTED, type Sniffed } from './sniff.js';

/** Longest side that is sent; models see 336 to 1344 pixels of it. */
export const SHRINK_ABOVE_PX = 2048;

export interface ImageFacts {
  readonly sniffed: Sniffed;
  readonly sizeBytes: number;
  /** As it is shown, turned; null where the browser cannot show it. */
  readonly widthPx: number | null;
  readonly heightPx: number | null;
}

export type UploadPlan =
  | { readonly kind: 'asItIs' }
  /** Drawn anew by the browser: cut out, shrunk or in a format that the server takes. */
  | { readonly kind: 'redrawn'; readonly box: CropBox; readonly widthPx: number; readonly heightPx: number }
  | { readonly kind: 'refused'; readonly reason: string };

export interface PlanOptions {
  readonly box: CropBox | null;
  readonly keepsOriginal: boolean;
  /** Null: not known, so the server decides. */
  readonly limits: PageLimits | null;
}

/** Boundaries, names and JSON around an image. */
const FORM_BYTES = 4096;

export function planUpload(facts: ImageFacts, { box, keepsOriginal, limits }: PlanOptions): UploadPlan {
  const { sniffed, sizeBytes, widthPx, heightPx } = facts;
  if (sniffed.kind === 'refused') return refused(`This is ${sniffed.name}. Images are ${listed()}.`);
  if (widthPx === null || heightPx === null)
    return sniffed.kind === 'accepted'
      ? refused('This image is broken: the browser cannot show it.')
      : refused(`This is ${sniffed.name}, which this browser cannot read. Images are ${listed()}.`);
  const cut = box ?? { left: 0, top: 0, width: widthPx, height: heightPx };
  const scale = keepsOriginal ? 1 : Math.min(1, SHRINK_ABOVE_PX / Math.max(cut.width, cut.height));
  const isAsItIs = box === null && scale === 1 && sniffed.kind === 'accepted';
  if (!isAsItIs)
    return {
      kind: 'redrawn',
      box: cut,
      widthPx: Math.max(1, Math.round(cut.width * scale)),
      heightPx: Math.max(1, Math.round(cut.height * scale)),
    };
  const reason = limits === null ? undefined : limitReason(sizeBytes, widthPx, heightPx, limits);
  return reason === undefined ? { kind: 'asItIs' } : refused(reason);
}

function limitReason(
  bytes: number,
  widthPx: number,
  heightPx: number,
  limits: PageLimits,
): string | undefined {
  const { body_size_limit_bytes: maxBytes, max_image_pixels: maxPixels, max_image_side_px: maxSide } = limits;
  if (bytes + FORM_BYTES > maxBytes)
    return `This image has ${megabytes(bytes)}; the server takes ${megabytes(maxBytes)} (body_size_limit_bytes). Let the page shrink it, or crop it.`;
  if (widthPx * heightPx > maxPixels)
    return `This image has ${megapixels(widthPx * heightPx)} megapixels; the server takes ${megapixels(maxPixels)} (max_image_pixels). Let the page shrink it, or crop it.`;
  if (Math.max(widthPx, heightPx) > maxSide)
    return `This image is ${Math.max(widthPx, heightPx)} pixels long; the server takes ${maxSide}. Let the page shrink it, or crop it.`;
  return undefined;
}

const refused = (reason: string): UploadPlan => ({ kind: 'refused', reason });
const listed = (): string => `${ACCEPTED.slice(0, -1).join(', ')} or ${ACCEPTED.at(-1) ?? ''}`;
const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const megapixels = (pixels: number): string => (pixels / 1e6).toFixed(1);

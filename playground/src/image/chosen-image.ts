// The image that questions are about: what it is, the part of it that counts, and the bytes that are sent.
import type { PageLimits } from 'takeoff-wire';
import { planUpload, type ImageFacts, type UploadPlan } from './plan-upload.js';
import { redraw } from './redraw.js';
import { sniff, SNIFFED_BYTES } from './sniff.js';
import type { CropBox } from './crop-box.js';

export interface ChosenImage extends ImageFacts {
  /** The file's own name, for people alone: it is not sent. */
  readonly name: string;
  readonly file: Blob;
  /** Address of the image in memory. Whoever takes the image away revokes it. */
  readonly url: string;
}

/** Looks at a file; never fails, because what is wrong with it is part of what is known. */
export async function chooseImage(file: Blob, name: string): Promise<ChosenImage> {
  const head = new Uint8Array(await file.slice(0, SNIFFED_BYTES).arrayBuffer());
  const url = URL.createObjectURL(file);
  const size = await shownSize(url);
  return { name, file, url, sniffed: sniff(head), sizeBytes: file.size, ...size };
}

/** Null, null where the browser cannot show it. Known before the pixels are decoded, which a photograph takes long for. */
function shownSize(url: string): Promise<Pick<ImageFacts, 'widthPx' | 'heightPx'>> {
  const image = new Image();
  return new Promise((resolve) => {
    image.onload = () => resolve({ widthPx: image.naturalWidth, heightPx: image.naturalHeight });
    image.onerror = () => resolve({ widthPx: null, heightPx: null });
    image.src = url;
  });
}

export interface SendOptions {
  readonly box: CropBox | null;
  readonly keepsOriginal: boolean;
  readonly limits: PageLimits | null;
}

export type Prepared = PreparedImage | Refusal;
type Refusal = Extract<UploadPlan, { kind: 'refused' }>;

export interface PreparedImage {
  readonly kind: 'ready';
  readonly blob: Blob;
  /** The same at hand; null where that would be too much. */
  readonly bytes: Uint8Array<ArrayBuffer> | null;
  readonly plan: UploadPlan;
}

/** Bytes at hand leave with the headers of a request, where a file is first read by another process; of so many that is not felt. */
const MAX_BYTES_AT_HAND = 8 * 2 ** 20;

/** How each image was last prepared: that is begun before a question is asked, and again wanted with the next one. */
const lastOf = new WeakMap<ChosenImage, { readonly plan: string; readonly prepared: Promise<Prepared> }>();

/** What to send. */
export function prepareImage(image: ChosenImage, options: SendOptions): Promise<Prepared> {
  const plan = planUpload(image, options);
  if (plan.kind === 'refused') return Promise.resolve(plan);
  const key = JSON.stringify(plan);
  const last = lastOf.get(image);
  if (last?.plan === key) return last.prepared;
  const prepared = prepareAs(plan, image).catch((error: unknown): Refusal => {
    lastOf.delete(image);
    const why = error instanceof Error ? error.message : String(error);
    return { kind: 'refused', reason: `The browser could not read this image: ${why}` };
  });
  lastOf.set(image, { plan: key, prepared });
  return prepared;
}

async function prepareAs(plan: Exclude<UploadPlan, Refusal>, image: ChosenImage): Promise<PreparedImage> {
  const blob = plan.kind === 'asItIs' ? image.file : await redraw(orderOf(plan, image));
  const bytes = blob.size > MAX_BYTES_AT_HAND ? null : new Uint8Array(await blob.arrayBuffer());
  return { kind: 'ready', blob, bytes, plan };
}

const orderOf = (
  { box, widthPx, heightPx }: Extract<UploadPlan, { kind: 'redrawn' }>,
  image: ChosenImage,
): Parameters<typeof redraw>[0] => ({ blob: image.file, box, widthPx, heightPx, type: redrawnType(image) });

const redrawnType = ({ sniffed }: ChosenImage): 'image/png' | 'image/jpeg' =>
  sniffed.kind === 'accepted' && sniffed.format !== 'JPEG' ? 'image/png' : 'image/jpeg';

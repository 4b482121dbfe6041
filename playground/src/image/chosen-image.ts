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

export type Prepared =
  | { readonly kind: 'ready'; readonly blob: Blob; readonly plan: UploadPlan }
  | { readonly kind: 'refused'; readonly reason: string };

/** The bytes to send. */
export async function prepareImage(image: ChosenImage, options: SendOptions): Promise<Prepared> {
  const plan = planUpload(image, options);
  switch (plan.kind) {
    case 'refused':
      return plan;
    case 'asItIs':
      return { kind: 'ready', blob: image.file, plan };
    case 'redrawn': {
      const { box, widthPx, heightPx } = plan;
      try {
        const blob = await redraw({ blob: image.file, box, widthPx, heightPx, type: redrawnType(image) });
        return { kind: 'ready', blob, plan };
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return { kind: 'refused', reason: `The browser could not redraw this image: ${why}` };
      }
    }
  }
}

const redrawnType = ({ sniffed }: ChosenImage): 'image/png' | 'image/jpeg' =>
  sniffed.kind === 'accepted' && sniffed.format !== 'JPEG' ? 'image/png' : 'image/jpeg';

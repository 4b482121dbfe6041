// Asks the worker to redraw an image. One worker, started with the first image that needs it; orders are told apart by their number.
import type { CropBox } from './crop-box.js';

export interface RedrawOrder {
  readonly id: number;
  readonly blob: Blob;
  readonly box: CropBox;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly type: 'image/png' | 'image/jpeg';
}

export type RedrawAnswer =
  { readonly id: number; readonly blob: Blob } | { readonly id: number; readonly error: string };

interface Waiting {
  readonly resolve: (blob: Blob) => void;
  readonly reject: (reason: Error) => void;
}

const waiting = new Map<number, Waiting>();
let worker: Worker | undefined;
let lastId = 0;

/** Rejects where the browser cannot read the image. */
export function redraw(order: Omit<RedrawOrder, 'id'>): Promise<Blob> {
  worker ??= startWorker();
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    worker?.postMessage({ ...order, id } satisfies RedrawOrder);
  });
}

function startWorker(): Worker {
  const started = new Worker(new URL('./redraw-worker.ts', import.meta.url), { type: 'module' });
  started.onmessage = ({ data }: MessageEvent<RedrawAnswer>) => {
    const order = waiting.get(data.id);
    waiting.delete(data.id);
    if ('blob' in data) order?.resolve(data.blob);
    else order?.reject(new DOMException(data.error, 'EncodingError'));
  };
  // A worker that cannot run answers nothing, so everything that waits for it fails now.
  started.onerror = () => {
    worker = undefined;
    for (const { reject } of waiting.values())
      reject(new DOMException('The image worker ended.', 'AbortError'));
    waiting.clear();
  };
  return started;
}

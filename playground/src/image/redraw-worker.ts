// Redraws images off the thread of the page: turned as their header says, cut out, shrunk. PNG stays lossless, so that edges of
// drawings and screenshots keep their colours; photographs become JPEG.
import type { RedrawAnswer, RedrawOrder } from './redraw.js';

const JPEG_QUALITY = 0.92;

addEventListener('message', ({ data }: MessageEvent<RedrawOrder>) => {
  redraw(data).then(
    (blob) => answer({ id: data.id, blob }),
    (error: unknown) =>
      answer({ id: data.id, error: error instanceof Error ? error.message : String(error) }),
  );
});

const answer = (message: RedrawAnswer): void => postMessage(message);

async function redraw({ blob, box, widthPx, heightPx, type }: RedrawOrder): Promise<Blob> {
  const bitmap = await createImageBitmap(blob, box.left, box.top, box.width, box.height, {
    imageOrientation: 'from-image',
    resizeWidth: widthPx,
    resizeHeight: heightPx,
    resizeQuality: 'high',
  });
  try {
    const canvas = new OffscreenCanvas(widthPx, heightPx);
    const context = canvas.getContext('2d', { alpha: type === 'image/png' });
    if (context === null) throw new DOMException('no canvas', 'NotSupportedError');
    context.drawImage(bitmap, 0, 0);
    return await canvas.convertToBlob({ type, quality: JPEG_QUALITY });
  } finally {
    bitmap.close();
  }
}

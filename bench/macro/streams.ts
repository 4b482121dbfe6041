// Streamed answers and their times, as a client sees them.
import { SseDecoder } from 'takeoff-wire';

export interface ImageQuestion {
  readonly image: Uint8Array<ArrayBuffer>;
  readonly text: string;
  readonly newTokens: number;
  /** Called with the first token. */
  readonly onFirst?: () => void;
}

export interface StreamTimes {
  readonly firstMs: number;
  readonly totalMs: number;
  readonly events: number;
}

export const json = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** An answer of exactly so many tokens. */
export function askAboutImage(url: string, question: ImageQuestion): Promise<StreamTimes> {
  const { image, text, newTokens, onFirst } = question;
  const form = new FormData();
  form.set('json_data', JSON.stringify({ text, max_new_tokens: newTokens, min_new_tokens: newTokens }));
  form.set('image_data', new Blob([image]));
  return readStream(`${url}/image_generate_stream`, { method: 'POST', body: form }, onFirst);
}

async function readStream(
  url: string,
  request: RequestInit,
  onFirst: () => void = () => undefined,
): Promise<StreamTimes> {
  const start = performance.now();
  const response = await fetch(url, request);
  if (!response.ok || response.body === null) throw new Error(`${response.status}: ${await response.text()}`);
  const decoder = new SseDecoder();
  let events = 0;
  let firstMs = NaN;
  for await (const chunk of response.body) {
    const got = decoder.push(chunk as Uint8Array).length;
    if (events === 0 && got > 0) {
      firstMs = performance.now() - start;
      onFirst();
    }
    events += got;
  }
  return { firstMs, totalMs: performance.now() - start, events };
}

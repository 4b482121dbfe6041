// Requests of the tests that run whole servers: multipart forms, JSON, and streams read to their end.
import { SseDecoder, type SseEvent } from 'takeoff-wire';

export function imageForm(image: Uint8Array<ArrayBuffer>, request: unknown): FormData {
  const form = new FormData();
  form.set('image_data', new Blob([image]), 'image');
  form.set('json_data', JSON.stringify(request));
  return form;
}

export const jsonRequest = (body: unknown, signal?: AbortSignal): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
  ...(signal === undefined ? {} : { signal }),
});

/** The events of a stream, as they arrive. */
export async function* eventsOf(response: Response): AsyncGenerator<SseEvent> {
  if (response.body === null) return;
  const decoder = new SseDecoder();
  for await (const chunk of response.body) yield* decoder.push(chunk as Uint8Array);
}

export async function textOfStream(response: Response): Promise<string> {
  let text = '';
  for await (const { data } of eventsOf(response)) text += data;
  return text;
}

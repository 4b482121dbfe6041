// Requests of the hostile tests, and their answers as status, text or error code.
import { jsonRequest } from '../process/requests.js';

export interface Answer {
  readonly status: number;
  readonly text: string | readonly string[] | undefined;
  readonly code: string | undefined;
  readonly message: string;
  readonly headers: Headers;
}

export async function answerOf(response: Response): Promise<Answer> {
  const body = JSON.parse(await response.text()) as {
    text?: string | string[];
    error?: { code: string; message: string };
  };
  const { status, headers } = response;
  return { status, headers, text: body.text, code: body.error?.code, message: body.error?.message ?? '' };
}

export const generate = async (url: string, body: unknown, signal?: AbortSignal): Promise<Answer> =>
  answerOf(await fetch(`${url}/generate`, jsonRequest(body, signal)));

export const tag = (address: string): string => `<image:${address}>`;

/** A request with the given bytes as its multipart body, for bodies that no library would write. */
export const rawForm = (body: Uint8Array<ArrayBuffer> | string, boundary = 'b'): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  body,
});

export interface FormPart {
  readonly name: string;
  readonly headers?: readonly string[];
  readonly disposition?: string;
  readonly content: Uint8Array | string;
}

export function formBody(parts: readonly FormPart[], boundary = 'b'): Uint8Array<ArrayBuffer> {
  const pieces = parts.flatMap(({ name, headers = [], disposition = '', content }) => [
    Buffer.from(
      [
        `--${boundary}`,
        `content-disposition: form-data; name="${name}"${disposition}`,
        ...headers,
        '',
        '',
      ].join('\r\n'),
    ),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ]);
  return new Uint8Array(Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]));
}

// For tests only: multipart bodies as the clients that are known write them, byte for byte.

export interface Form {
  readonly payload: Buffer;
  readonly headers: { readonly 'content-type': string };
}

export interface PartBytes {
  /** Header lines below Content-Disposition's name; the value is appended as it is. */
  readonly disposition: string;
  readonly headers?: readonly string[];
  readonly body: string | Buffer;
}

const BOUNDARY = '8f2b1c4d5e6f7a8b9c0d1e2f3a4b5c6d';

/** A body of exactly these parts. */
export function formOfParts(parts: readonly PartBytes[], boundary = BOUNDARY): Form {
  const bytes = parts.flatMap(({ disposition, headers = [], body }) => [
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n` +
        headers.map((line) => `${line}\r\n`).join('') +
        '\r\n',
    ),
    Buffer.from(body),
    Buffer.from('\r\n'),
  ]);
  return {
    payload: Buffer.concat([...bytes, Buffer.from(`--${boundary}--\r\n`)]),
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  };
}

/** The two parts in the given order, without file names or types, as the older Python client writes image_data. */
export const formOf = (parts: { readonly json_data?: unknown; readonly image_data?: Buffer }): Form =>
  formOfParts(
    Object.entries(parts).map(([name, value]) => ({
      disposition: `name="${name}"`,
      body: Buffer.isBuffer(value) ? value : JSON.stringify(value),
    })),
  );

export const PROMPT = 'USER: Describe the image to me.\nASSISTANT:';

/** requests.post(url, data={"json_data": …}, files={"image_data": open("image.png", "rb")}), the documented example. */
export const PYTHON_FORM = formOfParts([
  { disposition: 'name="json_data"', body: JSON.stringify({ text: PROMPT }) },
  {
    disposition: 'name="image_data"; filename="image.png"',
    body: Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
  },
]);

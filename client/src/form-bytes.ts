// A form as bytes, made at once of an image whose bytes are at hand. A FormData is put together while it is sent, in browsers by
// several processes that hand the image on to each other; bytes leave together with the headers.

export interface FormBytes {
  readonly contentType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The parts json_data and image_data. The bytes are copied, so that a caller may use its buffer again at once. */
export function formBytes(json: string, image: ArrayBufferView | ArrayBuffer): FormBytes {
  // Not randomUUID, which browsers keep from pages that came over plain HTTP.
  const boundary = `takeoff-${crypto.getRandomValues(new Uint32Array(4)).join('-')}`;
  const encoder = new TextEncoder();
  const before = encoder.encode(
    `--${boundary}\r\nContent-Disposition: form-data; name="json_data"\r\n\r\n${json}\r\n` +
      // A fixed file name, because the server recognises the format by the bytes.
      `--${boundary}\r\nContent-Disposition: form-data; name="image_data"; filename="image"\r\n` +
      'Content-Type: application/octet-stream\r\n\r\n',
  );
  const after = encoder.encode(`\r\n--${boundary}--\r\n`);
  const bytes = new Uint8Array(before.length + image.byteLength + after.length);
  bytes.set(before);
  bytes.set(viewOf(image), before.length);
  bytes.set(after, before.length + image.byteLength);
  return { contentType: `multipart/form-data; boundary=${boundary}`, bytes };
}

const viewOf = (image: ArrayBufferView | ArrayBuffer): Uint8Array =>
  ArrayBuffer.isView(image)
    ? new Uint8Array(image.buffer, image.byteOffset, image.byteLength)
    : new Uint8Array(image);

// Bytes in memory as a ByteSource: for files that are small and read whole anyway, and for tests of the formats.
import { malformed } from '../failures.js';
import type { ByteSource } from './byte-source.js';

export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    sizeBytes: bytes.length,
    read: (offsetBytes, byteCount) =>
      offsetBytes < 0 || byteCount < 0 || offsetBytes + byteCount > bytes.length
        ? Promise.reject(
            malformed(
              name,
              `Bytes ${offsetBytes} to ${offsetBytes + byteCount} are needed, but there are ${bytes.length}.`,
            ),
          )
        : Promise.resolve(new Uint8Array(bytes.subarray(offsetBytes, offsetBytes + byteCount))),
  };
}

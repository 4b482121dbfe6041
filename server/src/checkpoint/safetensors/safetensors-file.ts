// A safetensors file as tensors: reads and checks the header once; tensor bytes are read on demand, by position.
import { malformed } from '../failures.js';
import { ByteCursor } from '../files/byte-cursor.js';
import type { ByteSource } from '../files/byte-source.js';
import { contiguousTensor, type StoredTensor } from '../files/stored-tensor.js';
import { parseSafetensorsHeader } from './header.js';

/** A shard of 1,000 tensors has a header of 100 KiB; a length beyond this is an attempt to exhaust memory. */
const MAX_HEADER_BYTES = 64 * 2 ** 20;
const LENGTH_BYTES = 8;

/** @throws CheckpointError checkpoint.malformed, checkpoint.unsupported */
export async function readSafetensors(source: ByteSource): Promise<StoredTensor[]> {
  if (source.sizeBytes < LENGTH_BYTES)
    throw malformed(source.name, `${source.sizeBytes} bytes are too few for a safetensors file.`);
  const head = new ByteCursor(await source.read(0, LENGTH_BYTES), source.sizeBytes, source.name);
  const headerBytes = head.u64('The header length');
  const dataStart = LENGTH_BYTES + headerBytes;
  if (headerBytes > MAX_HEADER_BYTES || dataStart > source.sizeBytes) {
    throw malformed(
      source.name,
      `The header should have ${headerBytes} bytes; the file has ${source.sizeBytes} and at most ${MAX_HEADER_BYTES} are read.`,
    );
  }
  const header = await source.read(LENGTH_BYTES, headerBytes);
  return parseSafetensorsHeader(header, source.sizeBytes - dataStart, source.name).map((record) =>
    contiguousTensor(source, record.name, record.elementType, record.shape, dataStart + record.startBytes),
  );
}

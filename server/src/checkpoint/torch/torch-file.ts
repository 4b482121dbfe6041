// A file of torch.save as tensors, read without executing anything. Two containers exist: the ZIP archive of torch 1.6 and later,
// and the row of pickles before it; everything else is said by name.
import { malformed, unsupported } from '../failures.js';
import type { ByteSource } from '../files/byte-source.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import { readLegacyTorch } from './legacy-container.js';
import { readZipTorch } from './zip-container.js';

const MAGIC_BYTES = 4;

/** @throws CheckpointError checkpoint.malformed, checkpoint.unsupported */
export async function readTorchFile(source: ByteSource): Promise<StoredTensor[]> {
  if (source.sizeBytes < MAGIC_BYTES)
    throw malformed(source.name, `${source.sizeBytes} bytes are too few for a PyTorch file.`);
  const [first, second, third, fourth] = await source.read(0, MAGIC_BYTES);
  if (first === 0x50 && second === 0x4b) {
    if (third === 3 && fourth === 4) return readZipTorch(source);
    throw malformed(source.name, 'The ZIP archive is empty or damaged.');
  }
  if (first === 0x80 && second === 2) return readLegacyTorch(source);
  if (first === 0x80)
    throw unsupported(source.name, `A pickle of protocol ${String(second)}; torch.save writes protocol 2.`);
  throw unsupported(
    source.name,
    'This is no file of torch.save: neither a ZIP archive nor a pickle of the format before torch 1.6 (tar files of torch 0.1 are not read).',
  );
}

import { unsupported } from '../failures.js';
import type { ByteSource } from '../files/byte-source.js';
import type { StoredTensor } from '../files/stored-tensor.js';

export function readTorchFile(source: ByteSource): Promise<StoredTensor[]> {
  return Promise.reject(unsupported(source.name, 'PyTorch files are not read yet.'));
}

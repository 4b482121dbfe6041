// torch.save's ZIP archive: one folder with data.pkl, which describes the tensors, and one entry for each storage. Entry layout:
// pytorch, torch/serialization.py (_save, _load) and caffe2/serialize/inline_container.cc.
import { malformed, unsupported } from '../failures.js';
import { ByteCursor } from '../files/byte-cursor.js';
import type { ByteSource } from '../files/byte-source.js';
import { ELEMENT_BYTES, type StoredTensor } from '../files/stored-tensor.js';
import { stridedTensor } from './strided-tensor.js';
import { tensorViews } from './state-dict.js';
import { unpickle } from './unpickler.js';
import { readZipDirectory, type ZipEntry } from './zip-directory.js';

/** Descriptions of 1,000 tensors take 100 KB. */
const MAX_PICKLE_BYTES = 64 * 2 ** 20;
const MAX_BYTE_ORDER_BYTES = 16;

export async function readZipTorch(source: ByteSource): Promise<StoredTensor[]> {
  const entries = await readZipDirectory(source);
  const prefix = entries[0]?.name.split('/')[0] ?? '';
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  if (byName.has(`${prefix}/constants.pkl`))
    throw unsupported(source.name, 'This is a TorchScript archive (a program), not a file of weights.');
  await validateByteOrder(source, byName.get(`${prefix}/byteorder`));
  const pickle = byName.get(`${prefix}/data.pkl`);
  if (pickle === undefined) throw malformed(source.name, 'The ZIP archive has no data.pkl.');
  if (pickle.sizeBytes > MAX_PICKLE_BYTES)
    throw malformed(source.name, `data.pkl has ${pickle.sizeBytes} bytes; at most ${MAX_PICKLE_BYTES}.`);
  const bytes = await source.read(pickle.offsetBytes, pickle.sizeBytes);
  const root = unpickle(new ByteCursor(bytes, bytes.length, source.name));
  return tensorViews(root, source.name).map((view) => {
    const { key, elementType, elements } = view.storage;
    const entry = byName.get(`${prefix}/data/${key}`);
    if (entry === undefined)
      throw malformed(source.name, `Tensor ${view.name} lies in data/${key}, which the archive lacks.`);
    if (entry.sizeBytes !== elements * ELEMENT_BYTES[elementType]) {
      throw malformed(
        source.name,
        `The storage of ${view.name} should have ${elements} elements of ${elementType}; data/${key} has ${entry.sizeBytes} bytes.`,
      );
    }
    return stridedTensor(source, view, entry.offsetBytes);
  });
}

/** Absent before torch 2.1, which wrote the machine's order; all machines that trained these models are little-endian. */
async function validateByteOrder(source: ByteSource, entry: ZipEntry | undefined): Promise<void> {
  if (entry === undefined) return;
  if (entry.sizeBytes > MAX_BYTE_ORDER_BYTES) throw malformed(source.name, 'The entry byteorder is damaged.');
  const order = new TextDecoder().decode(await source.read(entry.offsetBytes, entry.sizeBytes));
  if (order !== 'little')
    throw unsupported(
      source.name,
      `The byte order is ${JSON.stringify(order)}; only little-endian files are read.`,
    );
}

// torch.save before version 1.6: five pickles in a row (magic number, protocol, system, the object, the storages' keys), then for
// each key an element count and the raw elements. Source: pytorch, torch/serialization.py (_legacy_save, _legacy_load).
import { malformed, unsupported } from '../failures.js';
import { ByteCursor } from '../files/byte-cursor.js';
import type { ByteSource } from '../files/byte-source.js';
import { parsePrefix } from '../files/growing-prefix.js';
import { ELEMENT_BYTES, type StoredTensor } from '../files/stored-tensor.js';
import { dictOf, type PickleValue } from './pickle-value.js';
import { stridedTensor } from './strided-tensor.js';
import { tensorViews, type StorageReference, type TensorView } from './state-dict.js';
import { unpickle } from './unpickler.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
const MAX_PICKLES_BYTES = 64 * 2 ** 20;
const COUNT_BYTES = 8;

interface Head {
  readonly views: readonly TensorView[];
  readonly keys: readonly string[];
  /** Where the first storage begins. */
  readonly endBytes: number;
}

export async function readLegacyTorch(source: ByteSource): Promise<StoredTensor[]> {
  const { views, keys, endBytes } = await parsePrefix(source, 0, MAX_PICKLES_BYTES, parseHead);
  const storages = new Map<string, StorageReference>();
  for (const { name, storage } of views) {
    const other = storages.get(storage.key);
    if (
      other !== undefined &&
      (other.elementType !== storage.elementType || other.elements !== storage.elements)
    )
      throw malformed(source.name, `${name} and another tensor disagree about their common storage.`);
    storages.set(storage.key, storage);
  }
  const offsets = await storageOffsets(source, keys, storages, endBytes);
  return views.map((view) => {
    const offset = offsets.get(view.storage.key);
    if (offset === undefined) throw malformed(source.name, `The storage of ${view.name} is not in the file.`);
    return stridedTensor(source, view, offset);
  });
}

function parseHead(cursor: ByteCursor): Head {
  const { file } = cursor;
  if (unpickle(cursor) !== MAGIC)
    throw unsupported(
      file,
      'This is a pickle, but not of torch.save: it holds no tensors that can be read here.',
    );
  if (unpickle(cursor) !== PROTOCOL) throw unsupported(file, 'The protocol of torch.save is not 1001.');
  const system = dictOf(unpickle(cursor));
  if (system?.entries.get('little_endian') !== true)
    throw unsupported(file, 'The file was not written on a little-endian machine.');
  const views = tensorViews(unpickle(cursor), file);
  return { views, keys: keysOf(unpickle(cursor), file), endBytes: cursor.offsetBytes };
}

function keysOf(value: PickleValue, file: string): string[] {
  const items = value !== null && typeof value === 'object' && value.kind === 'list' ? value.items : [];
  const keys = items.filter((item) => typeof item === 'string');
  if (keys.length !== items.length || new Set(keys).size !== keys.length)
    throw malformed(file, 'The list of storages is damaged.');
  return keys;
}

/** Walks over the storages, each an element count and the elements, and notes where the elements begin. */
async function storageOffsets(
  source: ByteSource,
  keys: readonly string[],
  storages: ReadonlyMap<string, StorageReference>,
  startBytes: number,
): Promise<ReadonlyMap<string, number>> {
  const offsets = new Map<string, number>();
  let offset = startBytes;
  for (const key of keys) {
    const storage = storages.get(key);
    if (storage === undefined)
      throw malformed(source.name, 'A storage belongs to no tensor, so its width is unknown.');
    const head = await source.read(offset, COUNT_BYTES);
    const elements = new ByteCursor(head, COUNT_BYTES, source.name).u64('The length of a storage');
    offset += COUNT_BYTES;
    const sizeBytes = elements * ELEMENT_BYTES[storage.elementType];
    if (elements !== storage.elements || offset + sizeBytes > source.sizeBytes) {
      throw malformed(
        source.name,
        `A storage of ${elements} elements is announced where ${storage.elements} belong, in a file of ${source.sizeBytes} bytes.`,
      );
    }
    offsets.set(key, offset);
    offset += sizeBytes;
  }
  return offsets;
}

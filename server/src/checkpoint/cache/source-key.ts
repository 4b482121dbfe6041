// The key of a converted model: a hash of everything the conversion depends on, so that a changed source converts again and an
// unchanged one does not. Small files are hashed whole. Of a large weight file, hashing every byte at every start would cost
// more than the conversion saves: its size, its time of last change, its head (which names all tensors), its tail and evenly
// spread samples are hashed. Whoever changes weights in place changes the time; whoever swaps a file changes the samples.
import { createHash, type Hash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { unreadable } from '../failures.js';
import { PositionalFile } from '../files/positional-file.js';

/** Raised when a new version of this program converts the same source to other bytes. */
const CONVERTER_VERSION = 5;
const WHOLE_BYTES = 64 * 2 ** 20;
const HEAD_BYTES = 2 ** 20;
const SAMPLE_BYTES = 4096;
const SAMPLES = 256;

/**
 * 16 hexadecimal digits for the files (absolute paths) and settings.
 * @throws CheckpointError checkpoint.unreadable
 */
export async function sourceKey(
  folder: string,
  files: readonly string[],
  settings: readonly string[],
): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([CONVERTER_VERSION, ...settings]));
  for (const path of [...new Set(files)].sort()) await hashFile(hash, path, relative(folder, path));
  return hash.digest('hex').slice(0, 16);
}

async function hashFile(hash: Hash, path: string, name: string): Promise<void> {
  const file = await PositionalFile.open(path);
  try {
    const { sizeBytes } = file;
    hash.update(JSON.stringify([name, sizeBytes]));
    if (sizeBytes <= WHOLE_BYTES) {
      for (let offset = 0; offset < sizeBytes; offset += HEAD_BYTES)
        hash.update(await file.read(offset, Math.min(HEAD_BYTES, sizeBytes - offset)));
      return;
    }
    hash.update(await changeTime(path));
    hash.update(await file.read(0, HEAD_BYTES));
    const stride = Math.floor((sizeBytes - SAMPLE_BYTES) / SAMPLES);
    for (let sample = 1; sample <= SAMPLES; sample++)
      hash.update(await file.read(sample * stride, SAMPLE_BYTES));
  } finally {
    await file.close();
  }
}

async function changeTime(path: string): Promise<string> {
  try {
    const { mtimeNs } = await stat(path, { bigint: true });
    return mtimeNs.toString();
  } catch (error) {
    throw unreadable(path, 'The time of the last change cannot be read.', error);
  }
}

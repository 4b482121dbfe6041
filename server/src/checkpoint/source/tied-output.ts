// Says so when an output matrix is stored and not used, because the configuration ties it to the embedding, although it has other
// values: then the configuration is wrong, and transformers 5 would use what is stored. PyTorch files hold both, equal, as a rule.
import { elementCountOf, ELEMENT_BYTES, type StoredTensor } from '../files/stored-tensor.js';

/** Rows that are compared, evenly spread: matrices that were trained apart differ in every one. */
const SAMPLED_ROWS = 8;

/** The warning, or undefined where nothing is lost. */
export async function tiedOutputWarning(
  embedding: StoredTensor | undefined,
  output: StoredTensor | undefined,
): Promise<string | undefined> {
  if (embedding === undefined || output === undefined) return undefined;
  if (await isSameMatrix(embedding, output)) return undefined;
  return `${output.name} is stored and differs from the embedding, but tie_word_embeddings is true in the language model's configuration: the embedding is used in its place. If answers repeat one word, set tie_word_embeddings to false in config.json.`;
}

async function isSameMatrix(one: StoredTensor, other: StoredTensor): Promise<boolean> {
  if (one.elementType !== other.elementType || one.shape.join() !== other.shape.join()) return false;
  const [rows = 0] = one.shape;
  const rowElements = (elementCountOf(one.shape) ?? 0) / Math.max(1, rows);
  // More than a chunk of a weight file is never needed to tell.
  const count = Math.min(rowElements, 4096 / ELEMENT_BYTES[one.elementType]);
  for (let sample = 0; sample < Math.min(rows, SAMPLED_ROWS); sample++) {
    const first = Math.floor((sample * rows) / SAMPLED_ROWS) * rowElements;
    const [a, b] = await Promise.all([one.read(first, count), other.read(first, count)]);
    if (Buffer.compare(a, b) !== 0) return false;
  }
  return true;
}

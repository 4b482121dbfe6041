// A tensor of the checkpoint with its place in the GGUF pair: new name, expected shape checked, and what happens to its rows.
import { incomplete, listNames, malformed } from '../failures.js';
import { floatTypeOf, type StoredTensor } from '../files/stored-tensor.js';

export interface MappedTensor {
  readonly ggufName: string;
  readonly source: StoredTensor;
  /** ggml order: the row's elements first. */
  readonly dimensions: readonly number[];
  /**
   * Set for the query and key projections: rows per head, to be reordered from the half-split rotary layout of transformers to
   * the interleaved one of GGUF's `llama` architecture.
   */
  readonly rotaryHeadRows: number | null;
}

export interface ExpectedTensor {
  readonly canonical: string;
  readonly ggufName: string;
  /** Outermost dimension first. */
  readonly shape: readonly number[];
  readonly rotaryHeadRows?: number;
}

/**
 * Finds every expected tensor and checks its shape and element type.
 * @throws CheckpointError checkpoint.incomplete with the list of missing ones, checkpoint.malformed for a wrong shape,
 * checkpoint.unsupported for an element type that is no weight
 */
export function mapTensors(
  expected: readonly ExpectedTensor[],
  tensors: ReadonlyMap<string, StoredTensor>,
  file: string,
): MappedTensor[] {
  const missing = expected.filter(({ canonical }) => !tensors.has(canonical));
  if (missing.length > 0) {
    throw incomplete(
      file,
      `${missing.length} of ${expected.length} tensors are missing: ${listNames(missing.map(({ canonical }) => canonical))}.`,
    );
  }
  return expected.flatMap((wanted) => {
    const source = tensors.get(wanted.canonical);
    if (source === undefined) return [];
    if (source.shape.join() !== wanted.shape.join()) {
      throw malformed(
        source.file,
        `Tensor ${source.name} has shape [${source.shape.join(', ')}]; the configuration asks for [${wanted.shape.join(', ')}].`,
      );
    }
    floatTypeOf(source);
    return [
      {
        ggufName: wanted.ggufName,
        source,
        dimensions: wanted.shape.toReversed(),
        rotaryHeadRows: wanted.rotaryHeadRows ?? null,
      },
    ];
  });
}

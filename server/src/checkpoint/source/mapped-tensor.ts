// A tensor of the checkpoint with its place in the GGUF pair: new name, expected shape checked, and what happens to its rows.
import type { CheckpointError } from '../../errors.js';
import { incomplete, listNames, malformed } from '../failures.js';
import { isFloatTensor, notFloat, type StoredTensor } from '../files/stored-tensor.js';

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
  const { mapped, failures } = matchTensors(expected, tensors, file);
  if (failures[0] !== undefined) throw failures[0];
  return mapped;
}

interface MatchedTensors {
  readonly mapped: MappedTensor[];
  /** One for all that are missing, and one for each that is there and cannot be used. */
  readonly failures: readonly CheckpointError[];
}

export function matchTensors(
  expected: readonly ExpectedTensor[],
  tensors: ReadonlyMap<string, StoredTensor>,
  file: string,
): MatchedTensors {
  const mapped: MappedTensor[] = [];
  const missing: string[] = [];
  const unusable: CheckpointError[] = [];
  for (const wanted of expected) {
    const source = tensors.get(wanted.canonical);
    const failure = source === undefined ? undefined : failureOf(wanted, source);
    if (source === undefined) missing.push(wanted.canonical);
    else if (failure === undefined) mapped.push(mappedTensor(wanted, source));
    else unusable.push(failure);
  }
  const lack = `${missing.length} of ${expected.length} tensors are missing: ${listNames(missing)}.`;
  return { mapped, failures: [...(missing.length > 0 ? [incomplete(file, lack)] : []), ...unusable] };
}

function mappedTensor(
  { ggufName, shape, rotaryHeadRows }: ExpectedTensor,
  source: StoredTensor,
): MappedTensor {
  return { ggufName, source, dimensions: shape.toReversed(), rotaryHeadRows: rotaryHeadRows ?? null };
}

function failureOf({ shape }: ExpectedTensor, source: StoredTensor): CheckpointError | undefined {
  if (source.shape.join() !== shape.join()) {
    return malformed(
      source.file,
      `Tensor ${source.name} has shape [${source.shape.join(', ')}]; the configuration asks for [${shape.join(', ')}].`,
    );
  }
  return isFloatTensor(source) ? undefined : notFloat(source);
}

// A tensor of the checkpoint with its place in the GGUF pair: new name, expected shape checked, and what happens to its rows.
import { CheckpointError } from '../../errors.js';
import type { FaultPolicy } from '../fault-policy.js';
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

/** What ZeRO-3 leaves on each machine of a weight whose elements are spread over all. */
const PARTITIONED_SHAPE = '0';
/** Failures of one kind that are noted one by one; a checkpoint of another size has hundreds. */
const MAX_LISTED = 5;

/**
 * Finds the expected tensors, and notes one fault for all that are empty, one for all that are missing and one for each other that is there
 * and cannot be used:
 * checkpoint.incomplete, checkpoint.malformed for a wrong shape, checkpoint.unsupported for an element type that is no weight.
 * @returns those that can be used
 */
export function mapTensors(
  expected: readonly ExpectedTensor[],
  tensors: ReadonlyMap<string, StoredTensor>,
  file: string,
  faults: FaultPolicy,
): MappedTensor[] {
  const mapped: MappedTensor[] = [];
  const missing: string[] = [];
  const empty: string[] = [];
  const unusable: CheckpointError[] = [];
  for (const wanted of expected) {
    const source = tensors.get(wanted.canonical);
    const failure = source === undefined ? undefined : failureOf(wanted, source);
    if (source === undefined) missing.push(wanted.canonical);
    else if (source.shape.join() === PARTITIONED_SHAPE) empty.push(source.name);
    else if (failure === undefined) mapped.push(mappedTensor(wanted, source));
    else unusable.push(failure);
  }
  const lack = `${missing.length} of ${expected.length} tensors are missing: ${listNames(missing)}.`;
  const partitions = `${empty.length} of ${expected.length} tensors are empty (${listNames(empty, 2)}): the model was saved by DeepSpeed ZeRO-3 without gathering its partitions. Run zero_to_fp32.py in the folder of the training's checkpoint and load the result, or save again with stage3_gather_16bit_weights_on_model_save.`;
  noteAll(
    [
      ...(empty.length > 0 ? [incomplete(file, partitions)] : []),
      ...(missing.length > 0 ? [incomplete(file, lack)] : []),
      ...unusable,
    ],
    faults,
  );
  return mapped;
}

function noteAll(failures: readonly CheckpointError[], faults: FaultPolicy): void {
  for (const failure of failures.slice(0, MAX_LISTED)) faults.note(failure);
  const rest = failures.slice(MAX_LISTED);
  const [first] = rest;
  if (first === undefined) return;
  const places = listNames(rest.map(({ message }) => /Tensor (\S+)/.exec(message)?.[1] ?? message));
  faults.note(new CheckpointError(first.code, `${rest.length} more tensors are wrong: ${places}.`));
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

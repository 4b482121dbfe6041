// Compares the tensors that are there with those that the configuration asks for, language model and image side, and notes every
// difference. What lies in a shard that cannot be read is not missed a second time.
import { listNames } from '../failures.js';
import { CheckpointError } from '../../errors.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import type { LlavaSettings } from '../source/llava-settings.js';
import { matchTensors, type ExpectedTensor } from '../source/mapped-tensor.js';
import { canonicalName, type TensorLayout } from '../source/tensor-names.js';
import type { TextHyperparameters } from '../source/text-hyperparameters.js';
import { textTensors } from '../source/text-tensors.js';
import { expectedVision, validateKnownValue } from '../source/vision-part.js';
import type { TowerSource } from '../source/vision-source.js';
import type { Findings } from './findings.js';

interface TensorCheck {
  readonly folder: string;
  readonly layout: TensorLayout;
  readonly text: TextHyperparameters;
  readonly settings: LlavaSettings;
  /** Rows of the vocabulary, null when nothing tells. */
  readonly rows: number | null;
  readonly tower: TowerSource | undefined;
  /** Under canonical names. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Names, as stored, that lie in shards which cannot be read. */
  readonly unreadable: ReadonlySet<string>;
}

/** Failures of one kind that are listed one by one; a checkpoint of another size has hundreds. */
const MAX_LISTED = 5;

/** The encoder layers that run, when the tower is known. */
export async function validateTensors(
  check: TensorCheck,
  findings: Findings,
): Promise<{ readonly layersToRun: number } | undefined> {
  const { folder, text, settings, rows, tower, tensors } = check;
  const match = (expected: readonly ExpectedTensor[], own: ReadonlyMap<string, StoredTensor>): string[] => {
    const { mapped, failures } = matchTensors(readable(expected, check), own, folder);
    noteAll(failures, findings);
    const misshapen = expected.flatMap(({ canonical }) => own.get(canonical)?.name ?? []);
    return [...mapped.map(({ source }) => source.name), ...misshapen];
  };
  const used = match(textTensors(text, rows ?? 0), tensors);
  if (tower === undefined) return undefined;
  const vision = await findings.attempt(() => expectedVision(settings, text, tower.tower, folder));
  if (vision === undefined) return undefined;
  used.push(...match(vision.tower, tower.tensors), ...match(vision.rest, tensors));
  await findings.attempt(() => validateKnownValue(tensors, new Set(used), vision, folder));
  return vision;
}

function readable(
  expected: readonly ExpectedTensor[],
  { layout, unreadable }: TensorCheck,
): ExpectedTensor[] {
  const hidden = new Set(
    [...unreadable].map((name) => {
      const canonical = canonicalName(name, layout);
      return canonical === 'skip' ? '' : canonical.use;
    }),
  );
  return expected.filter(({ canonical }) => !hidden.has(canonical));
}

function noteAll(failures: readonly CheckpointError[], findings: Findings): void {
  for (const failure of failures.slice(0, MAX_LISTED)) findings.note(failure);
  const rest = failures.slice(MAX_LISTED);
  const [first] = rest;
  if (first === undefined) return;
  const places = listNames(rest.map(({ message }) => /Tensor (\S+)/.exec(message)?.[1] ?? message));
  findings.note(new CheckpointError(first.code, `${rest.length} more tensors are wrong: ${places}.`));
}

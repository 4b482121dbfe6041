// What the tensors of a LoRA checkpoint are: pairs of small matrices whose product is added to a weight, and weights that were trained
// whole and take the place of the base's. Pure; names are those that PEFT and LLaVA's training script give.
import { listNames, malformed, unsupported } from '../failures.js';
import { isFloatTensor, notFloat, type StoredTensor } from '../files/stored-tensor.js';
import { canonicalName } from '../source/tensor-names.js';
import { unwrappedName } from '../source/wrapper-prefix.js';

/** Published adapters have ranks of 8 to 256. A matrix of this rank over 28,672 columns takes 117 MB. */
const MAX_RANK = 1024;

export interface LoraPair {
  /** Name of the module in the model, for `rank_pattern` and `alpha_pattern`. */
  readonly module: string;
  /** `rows`: A [rank, in], B [out, rank] of a weight [out, in]. `columns`: the same of a token table, A [rank, rows], B [width, rank]. */
  readonly order: 'rows' | 'columns';
  readonly rank: number;
  readonly a: StoredTensor;
  readonly b: StoredTensor;
}

export interface LoraTensors {
  /** By canonical name of the weight. */
  readonly pairs: ReadonlyMap<string, LoraPair>;
  readonly whole: ReadonlyMap<string, StoredTensor>;
}

/** `….lora_A.weight`, and `….lora_A.default.weight` where the adapter's name was saved along. */
const LINEAR_HALF = /^(.*)\.lora_(A|B)(?:\.[^.]+)?\.weight$/u;
const TABLE_HALF = /^(.*)\.lora_embedding_(A|B)(?:\.[^.]+)?$/u;
/** A weight inside the layer that PEFT put around it, and a copy that was trained in place of one. */
const AROUND = /\.(?:base_layer|modules_to_save(?:\.[^.]+)?)\.(?=weight$|bias$)/u;

interface Halves {
  readonly module: string;
  readonly order: LoraPair['order'];
  A?: StoredTensor;
  B?: StoredTensor;
}

/**
 * @param files tensors of each file, in the order in which the reference loads them: of two whole weights the later counts
 * @throws CheckpointError checkpoint.unsupported, checkpoint.malformed
 */
export function sortLoraTensors(files: readonly (readonly StoredTensor[])[]): LoraTensors {
  const halves = new Map<string, Halves>();
  const whole = new Map<string, StoredTensor>();
  for (const tensor of files.flat()) {
    // What a copy that was trained took the place of.
    if (tensor.name.includes('.original_module.')) continue;
    const [, place, letter] = LINEAR_HALF.exec(tensor.name) ?? TABLE_HALF.exec(tensor.name) ?? [];
    if (place !== undefined && (letter === 'A' || letter === 'B')) addHalf(halves, tensor, place, letter);
    else addWhole(whole, tensor);
  }
  return { pairs: new Map([...halves].map(([canonical, half]) => [canonical, pairOf(half)])), whole };
}

function addHalf(halves: Map<string, Halves>, tensor: StoredTensor, place: string, letter: 'A' | 'B'): void {
  const module = unwrappedName(place);
  const name = canonicalName(`${module}.weight`, 'original');
  if (name === 'skip') return;
  const order = TABLE_HALF.test(tensor.name) ? 'columns' : 'rows';
  const half = halves.get(name.use) ?? { module, order };
  const twin = half[letter];
  if (twin !== undefined || half.order !== order)
    throw malformed(
      tensor.file,
      `${tensor.name} and ${(twin ?? half.A ?? half.B)?.name ?? ''} belong to the same weight; one adapter has one pair for each.`,
    );
  half[letter] = tensor;
  halves.set(name.use, half);
}

function addWhole(whole: Map<string, StoredTensor>, tensor: StoredTensor): void {
  if (tensor.name.includes('lora_magnitude_vector'))
    throw unsupported(tensor.file, `Tensor ${tensor.name} is a magnitude of DoRA, which is not supported.`);
  if (/\.(?:lora_|token_adapter\.|trainable_tokens)/u.test(tensor.name))
    throw unsupported(
      tensor.file,
      `Tensor ${tensor.name} is no LoRA matrix and no weight of the model. Merge it with PEFT (merge_and_unload), save the model and load the result.`,
    );
  const name = canonicalName(tensor.name.replace(AROUND, '.'), 'original');
  if (name !== 'skip') whole.set(name.use, tensor);
}

function pairOf({ module, order, A, B }: Halves): LoraPair {
  const [one, other] = [A ?? B, A === undefined ? 'A' : 'B'];
  if (A === undefined || B === undefined)
    throw malformed(one?.file ?? '', `Tensor ${one?.name ?? ''} has no other half (lora_${other}).`);
  for (const half of [A, B]) if (!isFloatTensor(half)) throw notFloat(half);
  const [rank = 0] = A.shape;
  const inner = B.shape.slice(1).reduce((product, dimension) => product * dimension, 1);
  if (rank < 1 || rank !== inner || rank > MAX_RANK)
    throw malformed(
      A.file,
      `${listNames([A.name, B.name])} have shapes [${A.shape.join(', ')}] and [${B.shape.join(', ')}]; the first size of one must be the inner size of the other, at most ${MAX_RANK}.`,
    );
  return { module, order, rank, a: A, b: B };
}

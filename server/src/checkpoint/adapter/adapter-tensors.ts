// Which tensors of a PEFT adapter go where in a GGUF adapter. A pair lora_A [rank, in], lora_B [out, rank] changes a weight
// [out, in] by alpha / rank · B · A. Rows of B that belong to queries and keys are reordered as the weight's own rows are.
import type { CheckpointError } from '../../errors.js';
import { listNames, malformed, unsupported } from '../failures.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import { canonicalName } from '../source/tensor-names.js';
import { isFloatTensor, notFloat } from '../files/stored-tensor.js';
import type { ExpectedTensor, MappedTensor } from '../source/mapped-tensor.js';

/** `….lora_A.weight`, and `….lora_A.default.weight` where the adapter's name was saved along. */
const HALF = /^(.*)\.lora_(A|B)(?:\.[^.]+)?\.weight$/u;
/** What PEFT puts in front of the name of the model. */
const WRAPPER = /^base_model\.model\./u;

/**
 * @param weights of the model that the adapter is for
 * @param file names the adapter in messages
 * @throws CheckpointError checkpoint.unsupported for a tensor that cannot be applied at run time; checkpoint.malformed
 */
export function adapterTensors(
  stored: readonly StoredTensor[],
  weights: readonly ExpectedTensor[],
  file: string,
): MappedTensor[] {
  const byName = new Map(weights.map((weight) => [weight.canonical, weight]));
  const mapped = stored.map((tensor) => mapTensor(tensor, byName, file));
  validatePairs(mapped, file);
  return mapped.sort((a, b) => (a.ggufName < b.ggufName ? -1 : 1));
}

function mapTensor(
  tensor: StoredTensor,
  weights: ReadonlyMap<string, ExpectedTensor>,
  file: string,
): MappedTensor {
  const [, place = '', half = ''] = HALF.exec(tensor.name) ?? [];
  if (place === '') throw notApplicable(tensor.name, file);
  const canonical = canonicalName(`${place.replace(WRAPPER, '')}.weight`, 'hub');
  const weight = canonical === 'skip' ? undefined : weights.get(canonical.use);
  if (weight?.shape.length !== 2 || weight.ggufName === 'token_embd.weight')
    throw notApplicable(tensor.name, file);
  const [out = 0, input = 0] = weight.shape;
  const [rows = 0, columns = 0] = tensor.shape;
  const fits = half === 'A' ? columns === input : rows === out;
  if (tensor.shape.length !== 2 || !fits)
    throw malformed(
      file,
      `Tensor ${tensor.name} has shape [${tensor.shape.join(', ')}], which does not fit the weight [${out}, ${input}] of this model. Is the adapter for another model?`,
    );
  if (!isFloatTensor(tensor)) throw notFloat(tensor);
  return {
    ggufName: `${weight.ggufName}.lora_${half.toLowerCase()}`,
    source: tensor,
    dimensions: tensor.shape.toReversed(),
    rotaryHeadRows: half === 'B' ? (weight.rotaryHeadRows ?? null) : null,
  };
}

function validatePairs(mapped: readonly MappedTensor[], file: string): void {
  if (mapped.length === 0) throw malformed(file, 'The adapter has no tensors.');
  const ranks = new Map(mapped.map(({ ggufName, dimensions }) => [ggufName, dimensions] as const));
  const alone = mapped.filter(({ ggufName, dimensions }) => {
    const other = ranks.get(ggufName.replace(/[ab]$/u, (half) => (half === 'a' ? 'b' : 'a')));
    // GGUF's dimensions: A is [in, rank], B is [rank, out].
    return other === undefined || (ggufName.endsWith('a') && dimensions[1] !== other[0]);
  });
  if (alone.length > 0)
    throw malformed(
      file,
      `These tensors have no other half of the same rank: ${listNames(
        alone.map(({ source }) => source.name),
        4,
      )}.`,
    );
}

/** What the tensor is tells people what to do. */
function notApplicable(name: string, file: string): CheckpointError {
  const what = /embed_tokens|embedding_/u.test(name)
    ? 'changes the token table, whose rows are read outside of llama.cpp'
    : /vision_tower|mm_projector|multi_modal_projector|image_newline/u.test(name)
      ? 'changes the image side, which is one for all requests'
      : /modules_to_save|magnitude/u.test(name)
        ? 'is no pair of LoRA matrices'
        : 'belongs to no matrix of this model';
  return unsupported(
    file,
    `Tensor ${name} ${what}, and cannot be applied at run time. Merge the adapter into its model and load the result, or train one that leaves this part as it is.`,
  );
}

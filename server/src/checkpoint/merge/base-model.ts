// The base of a LoRA checkpoint: a plain Llama or Mistral, or a LLaVA in the original layout, of the sizes that the LoRA checkpoint's own
// config.json names. What else lies there is said in a sentence, before shapes contradict each other one by one.
import type { FaultPolicy } from '../fault-policy.js';
import { malformed, missing, unsupported } from '../failures.js';
import { containedPath } from '../files/contained-path.js';
import { MAX_CONFIG_BYTES, readJsonFile } from '../files/json-file.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import { canonicalTensors } from '../source/canonical-tensors.js';
import { configSchema, type LlavaConfig } from '../source/config-schema.js';
import { isQuantisedName } from '../source/quantised-weights.js';
import { canonicalName } from '../source/tensor-names.js';
import { fileNames, hasWeights, openWeightFiles, type WeightFiles } from '../source/weight-files.js';
import { HOW_TO_NAME } from './locate-base.js';
import { isLoraCheckpoint } from './lora-files.js';

export interface OpenBase {
  readonly folder: string;
  readonly names: readonly string[];
  /** Close them. */
  readonly weights: WeightFiles;
  /** By canonical names. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Canonical names of those in files that cannot be read. */
  readonly unreadable: ReadonlySet<string>;
  /** Files that were read. */
  readonly paths: readonly string[];
}

const ARCHITECTURES = [
  'LlamaForCausalLM',
  'MistralForCausalLM',
  'LlavaLlamaForCausalLM',
  'LlavaMistralForCausalLM',
];
/** Sizes that differ between models; a vocabulary may have grown in training. */
const SIZES = ['hidden_size', 'intermediate_size', 'num_hidden_layers', 'num_attention_heads'] as const;

/**
 * @param config of the LoRA checkpoint, as far as it was understood
 * @throws CheckpointError of any code
 */
export async function openBase(
  folder: string,
  config: LlavaConfig | undefined,
  faults: FaultPolicy,
): Promise<OpenBase> {
  const names = await fileNames(folder);
  validateFiles(folder, names);
  const configPath = await containedPath(folder, 'config.json', folder);
  const { value } = await readJsonFile(configPath, configSchema, MAX_CONFIG_BYTES);
  validateKind(value, configPath);
  if (config !== undefined) validateSizes(value, config, configPath);
  const weights = await openWeightFiles(folder, names, faults);
  try {
    validateNotQuantised(folder, weights);
    const tensors = canonicalTensors(weights.tensors, 'original');
    const unreadable = [...weights.unreadable].flatMap((name) => {
      const canonical = canonicalName(name, 'original');
      return canonical === 'skip' ? [] : [canonical.use];
    });
    return {
      folder,
      names,
      weights,
      tensors,
      unreadable: new Set(unreadable),
      paths: [configPath, ...weights.paths],
    };
  } catch (error) {
    await weights.close();
    throw error;
  }
}

/**
 * The token table and the output have as many rows as the configuration says. The reference makes new ones without values where the base's
 * have others, and fills them from the LoRA checkpoint.
 * @param tensors with everything merged, by canonical names
 * @throws CheckpointError checkpoint.malformed
 */
export function validateRows(
  tensors: ReadonlyMap<string, StoredTensor>,
  config: LlavaConfig | undefined,
  baseFolder: string,
): void {
  const rows = config?.vocab_size ?? undefined;
  for (const name of ['model.embed_tokens.weight', 'lm_head.weight']) {
    const stored = tensors.get(name)?.shape[0];
    if (rows === undefined || stored === undefined || stored === rows) continue;
    throw malformed(
      baseFolder,
      `${name} has ${stored} rows, and vocab_size in config.json of the LoRA checkpoint is ${rows}. It was trained on a base with ${rows} rows, or training saved the tables that it had grown, which are missing. ${HOW_TO_NAME}`,
    );
  }
}

function validateFiles(folder: string, names: readonly string[]): void {
  if (isLoraCheckpoint(names))
    throw unsupported(
      folder,
      `The base of the LoRA checkpoint is a LoRA checkpoint itself. Merge that one first. ${HOW_TO_NAME}`,
    );
  if (names.includes('config.json') && hasWeights(names)) return;
  throw missing(
    folder,
    `This is to be the base of a LoRA checkpoint, but it has no ${names.includes('config.json') ? 'weights (safetensors or PyTorch files)' : 'config.json'}. ${HOW_TO_NAME}`,
  );
}

function validateKind({ architectures }: LlavaConfig, path: string): void {
  const [name = '(none)'] = architectures ?? [];
  if (ARCHITECTURES.some((known) => known.toLowerCase() === name.toLowerCase())) return;
  throw unsupported(
    path,
    `The base of the LoRA checkpoint is ${name}; supported are ${ARCHITECTURES.join(', ')}. ${HOW_TO_NAME}`,
  );
}

function validateSizes(base: LlavaConfig, lora: LlavaConfig, path: string): void {
  const differing = SIZES.filter((key) => base[key] != null && lora[key] != null && base[key] !== lora[key]);
  if (differing.length === 0) return;
  const sizes = (config: LlavaConfig) => differing.map((key) => `${key} ${config[key]}`).join(', ');
  throw malformed(
    path,
    `The LoRA checkpoint was trained on another base: its config.json says ${sizes(lora)}, this one ${sizes(base)}. ${HOW_TO_NAME}`,
  );
}

function validateNotQuantised(folder: string, { tensors, unreadable }: WeightFiles): void {
  const name = [...tensors.keys(), ...unreadable].find(isQuantisedName);
  if (name === undefined) return;
  throw unsupported(
    folder,
    `The base of the LoRA checkpoint is quantised (${name}): nothing can be merged into it. Name the 16-bit model that it was made of as model_base; quant_type chooses the type afterwards.`,
  );
}

// Which of a folder's files hold its weights. A folder may have them twice: in one file beside an index of old shards, as safetensors
// beside PyTorch files. The order is that of transformers (4.37 and 5, modeling_utils.py): one file before an index, safetensors before
// PyTorch files; so what loads there loads here, and with the same weights.

export interface WeightChoice {
  readonly format: 'safetensors' | 'torch';
  /** An index of shards, or the one file. */
  readonly index: string | null;
  readonly single: string | null;
}

/** In order of preference. A lone shard says itself that it is all there is; transformers would ask for its index. */
const CHOICES: readonly WeightChoice[] = [
  { format: 'safetensors', index: null, single: 'model.safetensors' },
  { format: 'safetensors', index: 'model.safetensors.index.json', single: null },
  { format: 'torch', index: null, single: 'pytorch_model.bin' },
  { format: 'torch', index: 'pytorch_model.bin.index.json', single: null },
  { format: 'safetensors', index: null, single: 'model-00001-of-00001.safetensors' },
  { format: 'torch', index: null, single: 'pytorch_model-00001-of-00001.bin' },
];
const USUAL_CHOICES = 4;

const WEIGHT_FILE = /^(?:model|pytorch_model)(?:-\d{5}-of-\d{5})?\.(?:safetensors|bin)(?:\.index\.json)?$/;

/** Undefined when no file has weights in a known form. */
export function chooseWeights(names: readonly string[]): WeightChoice | undefined {
  return CHOICES.find(({ index, single }) => names.includes(index ?? single ?? ''));
}

/** Names that would have been weights, for messages. */
export const weightNames = (part: 'index' | 'single'): string[] =>
  CHOICES.slice(0, USUAL_CHOICES).flatMap((choice) => choice[part] ?? []);

/** Files of weights beside those that are read. */
export function passedOver(names: readonly string[], read: ReadonlySet<string>): string[] {
  return names.filter((name) => WEIGHT_FILE.test(name) && !read.has(name)).sort();
}

// Which files of a repository a reader needs. Everything else stays where it is: copies in other formats, optimizer states,
// training_args.bin (a pickle of arbitrary code), images of the model card.
import { ADAPTER_CONFIG } from '../adapter/adapter-files.js';
import { adapterFile, isLoraCheckpoint, NON_LORA_FILE } from '../merge/lora-files.js';
import { chooseWeights } from '../source/weight-choice.js';
import { TEMPLATE_FILES } from '../tokenizer/own-template.js';
import type { HubFile } from './listing.js';

/** A model to serve, the base of one, the weights of a vision tower, only what describes such a tower, or a LoRA adapter. */
export type Purpose = 'model' | 'base' | 'tower' | 'tower-settings' | 'adapter';

const TOWER_SETTINGS = ['config.json', 'preprocessor_config.json'];
const MODEL_SETTINGS = [
  ...TOWER_SETTINGS,
  'generation_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  ...TEMPLATE_FILES,
];
/** The first that is there is the one that is read. */
const TOKENIZERS = ['tokenizer.model', 'tokenizer.json'];

/** What must be there before the weights are worth their time: configuration, tokenizer, and the index of shards. */
export function smallFiles(files: readonly HubFile[], purpose: Purpose): HubFile[] {
  const named = (names: readonly string[]) => files.filter(({ name }) => names.includes(name));
  if (purpose === 'tower-settings') return named(TOWER_SETTINGS);
  const names = files.map(({ name }) => name);
  if (purpose === 'adapter') return named([ADAPTER_CONFIG, adapterFile(names) ?? '']);
  // The tokenizer is that of the base.
  if (purpose === 'model' && isLoraCheckpoint(names)) return named([...MODEL_SETTINGS, ADAPTER_CONFIG]);
  const index = weightsOf(files)?.index;
  const indexes = index === undefined ? [] : [index];
  if (purpose === 'tower') return [...named(TOWER_SETTINGS), ...indexes];
  const tokenizer = TOKENIZERS.map((name) => files.find((file) => file.name === name)).find(
    (file) => file !== undefined,
  );
  return [...named(MODEL_SETTINGS), ...(tokenizer === undefined ? [] : [tokenizer]), ...indexes];
}

/** The weights of a LoRA checkpoint; undefined for any other repository. */
export function loraFiles(files: readonly HubFile[]): HubFile[] | undefined {
  const names = files.map(({ name }) => name);
  if (!isLoraCheckpoint(names)) return undefined;
  return files.filter(({ name }) => name === NON_LORA_FILE || name === adapterFile(names));
}

/** Where the weights are: one file, or an index that names the files. */
export interface Weights {
  readonly index: HubFile | undefined;
  readonly single: HubFile | undefined;
}

export function weightsOf(files: readonly HubFile[]): Weights | undefined {
  const choice = chooseWeights(files.map(({ name }) => name));
  if (choice === undefined) return undefined;
  const named = (wanted: string | null) => files.find(({ name }) => name === wanted);
  return { index: named(choice.index), single: named(choice.single) };
}

// Which files of a repository a reader needs. Everything else stays where it is: copies in other formats, optimizer states,
// training_args.bin (a pickle of arbitrary code), images of the model card.
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../adapter/adapter-files.js';
import { chooseWeights } from '../source/weight-choice.js';
import { TEMPLATE_FILES } from '../tokenizer/own-template.js';
import type { HubFile } from './listing.js';

/** A model to serve, the weights of a vision tower, only what describes such a tower, or a LoRA adapter. */
export type Purpose = 'model' | 'tower' | 'tower-settings' | 'adapter';

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
  if (purpose === 'adapter') {
    const weights = ADAPTER_WEIGHTS.find((name) => files.some((file) => file.name === name));
    return named([ADAPTER_CONFIG, weights ?? '']);
  }
  const index = weightsOf(files)?.index;
  const indexes = index === undefined ? [] : [index];
  if (purpose === 'tower') return [...named(TOWER_SETTINGS), ...indexes];
  const tokenizer = TOKENIZERS.map((name) => files.find((file) => file.name === name)).find(
    (file) => file !== undefined,
  );
  return [...named(MODEL_SETTINGS), ...(tokenizer === undefined ? [] : [tokenizer]), ...indexes];
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

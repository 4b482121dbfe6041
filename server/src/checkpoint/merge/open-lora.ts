// A LoRA checkpoint of LLaVA as a set of weight files like any other: the base's weights with everything merged. As in the reference
// (llava/model/builder.py with `lora` in the name): the base under the LoRA checkpoint's config.json, then non_lora_trainables.bin, then
// PEFT's merge. Nothing of the base's size is read here; products are added while the weights are converted.
import { ADAPTER_CONFIG, type AdapterFile } from '../adapter/adapter-files.js';
import type { CheckpointError } from '../../errors.js';
import type { FaultPolicy } from '../fault-policy.js';
import { incomplete, unsupported } from '../failures.js';
import { containedPath } from '../files/contained-path.js';
import { PositionalFile } from '../files/positional-file.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import { readSafetensors } from '../safetensors/safetensors-file.js';
import type { LlavaConfig } from '../source/config-schema.js';
import { CLASS_EMBEDDING } from '../source/vision-source.js';
import { closeAll, type WeightFiles } from '../source/weight-files.js';
import { readTorchFile } from '../torch/torch-file.js';
import { openBase, validateRows, type OpenBase } from './base-model.js';
import { locateBase, type BaseLocator } from './locate-base.js';
import { adapterFile, NON_LORA_FILE } from './lora-files.js';
import { sortLoraTensors, type LoraTensors } from './lora-tensors.js';
import { readMergeConfig, type MergeConfig } from './merge-config.js';
import { isTowerWeight, mergeOnto, partOf } from './merge-onto.js';

export interface LoraRequest {
  readonly folder: string;
  /** Files of the folder. */
  readonly names: readonly string[];
  /** Its config.json, as far as it was understood. */
  readonly config: LlavaConfig | undefined;
  readonly modelBase: string | null;
  readonly locateBase: BaseLocator | undefined;
}

/** What a person wants to know of the merge. */
export interface LoraFacts {
  /** As adapter_config.json names it. */
  readonly trainedOn: string | null;
  /** Folder of the base. */
  readonly base: string;
  readonly rank: number;
  /** Weights that products are added to. */
  readonly mergedCount: number;
  /** Weights that were trained whole. */
  readonly wholeCount: number;
}

export interface OpenLora {
  /** Under canonical names. Empty where the base is not to be had. */
  readonly weights: WeightFiles;
  /** Where tokenizer and chat template are, as in the reference; undefined where the base is not to be had. */
  readonly base: { readonly folder: string; readonly names: readonly string[] } | undefined;
  readonly facts: LoraFacts | undefined;
  /** The tensors of a vision tower of its own, by canonical names, with what was trained of it merged. */
  mergeTower(tensors: ReadonlyMap<string, StoredTensor>): ReadonlyMap<string, StoredTensor>;
}

/** The fault of a setting that nothing heeds. */
export const noLora = (place: string, modelBase: string): CheckpointError =>
  unsupported(
    place,
    `model_base is ${modelBase}, but this is no LoRA checkpoint of LLaVA, which has a base. Leave model_base out.`,
  );

/** @throws CheckpointError, HubError as far as the policy throws them */
export async function openLora(request: LoraRequest, faults: FaultPolicy): Promise<OpenLora> {
  const opening = new Opening(request, faults);
  try {
    return await opening.open();
  } catch (error) {
    await opening.close();
    throw error;
  }
}

class Opening {
  readonly #request: LoraRequest;
  readonly #faults: FaultPolicy;
  readonly #open: { close(): Promise<void> }[] = [];
  readonly #paths: string[] = [];
  readonly #names: string[] = [];
  readonly #warnings: string[] = [];

  constructor(request: LoraRequest, faults: FaultPolicy) {
    this.#request = request;
    this.#faults = faults;
  }

  close(): Promise<void> {
    return closeAll(this.#open.splice(0));
  }

  async open(): Promise<OpenLora> {
    const faults = this.#faults;
    const config = await faults.attempt(() => this.#config());
    const trained = await faults.attempt(() => this.#trained());
    const base = config && (await faults.attempt(() => this.#base(config)));
    const merged =
      config && trained && base && (await faults.attempt(() => this.#merge(config, trained, base)));
    return {
      weights: {
        tensors: merged ?? new Map(),
        unreadable: base?.unreadable ?? new Set(),
        names: [...this.#names, ...(base?.weights.names ?? [])],
        // Without the base there are no weights that anything could be said of.
        paths: merged === undefined ? [] : [...this.#paths, ...(base?.paths ?? [])],
        warnings: [...this.#warnings, ...(base?.weights.warnings ?? [])],
        close: () => this.close(),
      },
      base: base && { folder: base.folder, names: base.names },
      facts: config && trained && base && factsOf(config, trained, base),
      mergeTower: (tensors) =>
        config && trained ? mergeOnto(tensors, partOf(trained, isTowerWeight), config) : tensors,
    };
  }

  async #config(): Promise<MergeConfig> {
    const path = await this.#path(ADAPTER_CONFIG);
    const config = await readMergeConfig(path);
    this.#paths.push(path);
    this.#warnings.push(...config.warnings);
    return config;
  }

  /** In the order of the reference. */
  async #trained(): Promise<LoraTensors> {
    const { folder, names } = this.#request;
    const adapter: AdapterFile | undefined = adapterFile(names);
    if (!names.includes(NON_LORA_FILE) || adapter === undefined)
      throw incomplete(
        folder,
        `This is a LoRA checkpoint, but ${NON_LORA_FILE} is missing, which holds its projector. Put it beside ${adapter ?? 'the adapter'}; training writes it at its end. An adapter that changes the language model alone can be served beside its base, under loras.`,
      );
    const whole = await this.#read(NON_LORA_FILE, readTorchFile);
    const read = adapter === 'adapter_model.safetensors' ? readSafetensors : readTorchFile;
    return sortLoraTensors([whole, await this.#read(adapter, read)]);
  }

  async #read(
    name: string,
    read: (file: PositionalFile) => Promise<StoredTensor[]>,
  ): Promise<readonly StoredTensor[]> {
    this.#names.push(name);
    const path = await this.#path(name);
    const file = await PositionalFile.open(path);
    this.#open.push(file);
    this.#paths.push(path);
    return read(file);
  }

  async #base({ baseName }: MergeConfig): Promise<OpenBase> {
    const { folder, config, modelBase, locateBase: locate } = this.#request;
    const located = await locateBase({ folder, baseName, modelBase, locateBase: locate });
    this.#warnings.push(...located.warnings);
    const base = await openBase(located.folder, config, this.#faults);
    this.#open.push(base.weights);
    return base;
  }

  /** Weights of the tower are added to the base's copy where there is one, and to a repository's later. */
  #merge(
    config: MergeConfig,
    trained: LoraTensors,
    { tensors, folder }: OpenBase,
  ): Map<string, StoredTensor> {
    validateNotTied(trained, this.#request);
    const own =
      tensors.has(CLASS_EMBEDDING) || trained.whole.has(CLASS_EMBEDDING)
        ? trained
        : partOf(trained, (canonical) => !isTowerWeight(canonical));
    const merged = mergeOnto(tensors, own, config);
    validateRows(merged, this.#request.config, folder);
    return new Map([...merged].map(([name, tensor]) => [name, { ...tensor, name }]));
  }

  #path(name: string): Promise<string> {
    const { folder } = this.#request;
    return containedPath(folder, name, folder);
  }
}

/** One matrix for two purposes can take no product for one of them. @throws CheckpointError checkpoint.unsupported */
function validateNotTied({ pairs }: LoraTensors, { folder, config }: LoraRequest): void {
  const pair = pairs.get('model.embed_tokens.weight') ?? pairs.get('lm_head.weight');
  if (config?.tie_word_embeddings !== true || pair === undefined) return;
  throw unsupported(
    folder,
    `tie_word_embeddings is true in config.json, and ${pair.a.name} changes one of the two uses of the token table. Merge it with PEFT (merge_and_unload), save the model and load the result.`,
  );
}

const factsOf = (
  { baseName, rank }: MergeConfig,
  { pairs, whole }: LoraTensors,
  { folder }: OpenBase,
): LoraFacts => ({
  trainedOn: baseName,
  base: folder,
  rank,
  mergedCount: pairs.size,
  wholeCount: whole.size,
});

// Reads a checkpoint's folder part by part: configuration, tensor headers, vision tower, tokenizer. The policy says what becomes of a
// fault: serving throws the first, an inspection notes it, and then each step is skipped when what it stands on is not known.
import { join } from 'node:path';
import type { VisionSettings } from '../../model/description.js';
import type { FaultPolicy } from '../fault-policy.js';
import { missing, unsupported } from '../failures.js';
import { containedPath } from '../files/contained-path.js';
import { MAX_CONFIG_BYTES, readJsonFile, type JsonFile } from '../files/json-file.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import { readOwnTemplate, type OwnTemplateReading } from '../tokenizer/own-template.js';
import { readTokenizer, type TokenizerData } from '../tokenizer/read-tokenizer.js';
import type { BaseLocator } from '../merge/locate-base.js';
import { isLoraCheckpoint } from '../merge/lora-files.js';
import { noLora, openLora, type LoraFacts, type OpenLora } from '../merge/open-lora.js';
import { explainMissingWeights, recognise, type Recognised } from './architecture.js';
import { canonicalTensors } from './canonical-tensors.js';
import type { VisionPart } from './checkpoint.js';
import {
  modelName,
  negativeIdWarnings,
  settingsOf,
  textConfigOf,
  textConfigPath,
  tiesEmbeddings,
  tokenizerRequestOf,
} from './config-parts.js';
import { configSchema, type LlavaConfig } from './config-schema.js';
import { explainForeignWeights } from './foreign-weights.js';
import { leftBehindQuantisation } from './quantised-weights.js';
import { expectedVision, validateNoUnknown } from './expected-vision.js';
import type { LlavaSettings } from './llava-settings.js';
import { mapTensors, type ExpectedTensor, type MappedTensor } from './mapped-tensor.js';
import { parsePinpoints } from './pinpoints.js';
import { ropeCaveat } from './rope-scaling.js';
import { chooseTemplate, type TemplateChoice } from './template-choice.js';
import { canonicalName } from './tensor-names.js';
import { decoderShape, type TextHyperparameters } from './text-hyperparameters.js';
import { textTensors } from './text-tensors.js';
import { tiedOutputWarning } from './tied-output.js';
import { CLASS_EMBEDDING, findTower, type TowerLocator, type TowerSource } from './vision-source.js';
import { wrapperWarning } from './wrapper-prefix.js';
import { closeAll, fileNames, hasWeights, openWeightFiles, type WeightFiles } from './weight-files.js';

export interface ReadOptions {
  /** Finds the repository of a vision tower that is not in the checkpoint's folder. */
  readonly locateTower?: TowerLocator;
  /** The base of a LoRA checkpoint, where the operator names it. */
  readonly modelBase?: string | null;
  /** Finds the repository of such a base. */
  readonly locateBase?: BaseLocator;
}

/** What was understood; undefined is what could not be, and why is with the policy. */
interface CheckpointParts {
  readonly config: LlavaConfig | undefined;
  readonly kind: Recognised | undefined;
  readonly weights: WeightFiles | undefined;
  /** Undefined for a checkpoint that is no LoRA checkpoint, too. */
  readonly lora: LoraFacts | undefined;
  readonly text: TextHyperparameters | undefined;
  readonly settings: LlavaSettings | undefined;
  /** Rows of the embedding; what the configuration says where the tensor is not there. */
  readonly rows: number | undefined;
  readonly textTensors: readonly MappedTensor[] | undefined;
  readonly tower: TowerSource | undefined;
  readonly vision: VisionPart | undefined;
  readonly gridPinpoints: VisionSettings['gridPinpoints'] | undefined;
  readonly tokenizer: TokenizerData | undefined;
  readonly ownTemplate: OwnTemplateReading | undefined;
  readonly template: TemplateChoice | undefined;
}

export interface CheckpointReading extends CheckpointParts {
  readonly folder: string;
  /** What an operator should know of the parts that were understood. */
  readonly warnings: readonly string[];
  /** Closes the weight files. */
  close(): Promise<void>;
}

const NO_PARTS: CheckpointParts = {
  config: undefined,
  kind: undefined,
  weights: undefined,
  lora: undefined,
  text: undefined,
  settings: undefined,
  rows: undefined,
  textTensors: undefined,
  tower: undefined,
  vision: undefined,
  gridPinpoints: undefined,
  tokenizer: undefined,
  ownTemplate: undefined,
  template: undefined,
};

/** Where nothing tells how many rows the embedding has, any vocabulary fits: the largest published has 256,000. */
const UNKNOWN_ROWS = 2 ** 19;

/**
 * The caller closes the reading.
 * @throws CheckpointError, HubError as far as the policy throws them
 */
export async function readCheckpoint(
  folder: string,
  options: ReadOptions,
  faults: FaultPolicy,
): Promise<CheckpointReading> {
  const reader = new CheckpointReader(folder, options, faults);
  try {
    const parts = await reader.read();
    return { folder, ...parts, warnings: reader.warnings, close: () => reader.close() };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** The tensors of the checkpoint's own files, under canonical names. */
interface Tensors {
  readonly own: ReadonlyMap<string, StoredTensor>;
  /** Names of those that lie in shards which cannot be read. */
  readonly hidden: ReadonlySet<string>;
  /** Rows of the vocabulary. */
  readonly rows: number | undefined;
}

class CheckpointReader {
  readonly warnings: string[] = [];
  readonly #folder: string;
  readonly #options: ReadOptions;
  readonly #faults: FaultPolicy;
  readonly #configFile: string;
  readonly #open: WeightFiles[] = [];
  #lora: OpenLora | undefined;
  #names: readonly string[] = [];
  #placeInConfig: JsonFile<LlavaConfig>['place'] = ([key]) => `config.json: ${String(key)}`;

  constructor(folder: string, options: ReadOptions, faults: FaultPolicy) {
    this.#folder = folder;
    this.#options = options;
    this.#faults = faults;
    this.#configFile = join(folder, 'config.json');
  }

  async close(): Promise<void> {
    await closeAll(this.#open.splice(0));
  }

  async read(): Promise<CheckpointParts> {
    this.#names = (await this.#faults.attempt(() => fileNames(this.#folder))) ?? [];
    const isComplete = hasWeights(this.#names) || isLoraCheckpoint(this.#names);
    const explanation = isComplete ? undefined : explainMissingWeights(this.#names);
    if (explanation !== undefined) {
      this.#faults.note(unsupported(this.#folder, explanation));
      return NO_PARTS;
    }
    const config = await this.#faults.attempt(() => this.#config());
    const kind =
      config &&
      (await this.#faults.attempt(() => recognise(config, modelName(this.#folder), this.#configFile)));
    const weights = await this.#weights(config);
    const known = { ...NO_PARTS, config, kind, weights, lora: this.#lora?.facts };
    return config === undefined || kind === undefined
      ? known
      : { ...known, ...(await this.#parts(config, kind, weights)) };
  }

  async #weights(config: LlavaConfig | undefined): Promise<WeightFiles> {
    const { modelBase = null, locateBase } = this.#options;
    const place = { folder: this.#folder, names: this.#names };
    if (isLoraCheckpoint(this.#names))
      this.#lora = await openLora({ ...place, config, modelBase, locateBase }, this.#faults);
    else if (modelBase !== null) this.#faults.note(noLora(this.#folder, modelBase));
    const weights = this.#lora?.weights ?? (await openWeightFiles(this.#folder, this.#names, this.#faults));
    this.#open.push(weights);
    this.warnings.push(...weights.warnings);
    return weights;
  }

  async #config(): Promise<LlavaConfig> {
    if (!this.#names.includes('config.json'))
      throw missing(this.#folder, 'There is no config.json, so this is no checkpoint of a model.');
    const path = await containedPath(this.#folder, 'config.json', this.#folder);
    const file = await readJsonFile(path, configSchema, MAX_CONFIG_BYTES);
    this.warnings.push(...file.warnings, ...negativeIdWarnings(file));
    this.#placeInConfig = file.place;
    return file.value;
  }

  async #parts(
    config: LlavaConfig,
    kind: Recognised,
    weights: WeightFiles,
  ): Promise<Partial<CheckpointParts>> {
    const faults = this.#faults;
    const textConfig = textConfigOf(config, kind);
    const shape = await faults.attempt(() => decoderShape(textConfig, kind.family, this.#configFile));
    const caveat = shape && ropeCaveat(textConfig, shape.contextTokens);
    if (caveat !== undefined)
      this.warnings.push(`${this.#placeInConfig([...textConfigPath(kind), caveat.key])} ${caveat.what}`);
    const settings = await faults.attempt(() => settingsOf(config, kind, this.#configFile));
    const tensors = await this.#tensors(weights, config, kind);
    const rows = tensors?.rows ?? textConfig.vocab_size ?? undefined;
    const text = shape && {
      ...shape,
      tiesEmbeddings: tiesEmbeddings(config, kind, tensors === undefined || storesOutput(tensors)),
    };
    if (text?.tiesEmbeddings === true && tensors !== undefined) await this.#warnOfOtherOutput(tensors);
    const textPart = text && tensors && this.#map(textTensors(text, rows ?? 0), tensors.own, tensors);
    const tower = settings && tensors && (await this.#tower(config, settings, tensors));
    const vision = text && settings && tower && (await this.#vision(text, settings, tower, tensors));
    const tokenizer = await this.#tokenizer(config, kind, settings, rows);
    const ownTemplate = await this.#ownTemplate();
    return {
      text,
      settings,
      rows,
      textTensors: textPart,
      tower,
      vision,
      gridPinpoints: settings && (await this.#gridPinpoints(config, settings, tower)),
      tokenizer,
      ownTemplate,
      template: tokenizer && ownTemplate && this.#template(config, kind, tokenizer, ownTemplate),
    };
  }

  /** The tensors by canonical name; undefined where no file of weights could be read or they are of another form. */
  async #tensors(
    weights: WeightFiles,
    config: LlavaConfig,
    { layout }: Recognised,
  ): Promise<Tensors | undefined> {
    if (weights.paths.length === 0) return undefined;
    const foreign = explainForeignWeights(weights.tensors, config, this.#folder);
    if (foreign !== undefined) {
      this.#faults.note(foreign);
      return undefined;
    }
    const leftBehind = leftBehindQuantisation(config, this.#placeInConfig);
    const wrapper = wrapperWarning(weights.tensors.keys());
    this.warnings.push(...[leftBehind, wrapper].filter((warning) => warning !== undefined));
    const own = await this.#faults.attempt(() => canonicalTensors(weights.tensors, layout));
    if (own === undefined) return undefined;
    const hidden = [...weights.unreadable].flatMap((name) => {
      const canonical = canonicalName(name, layout);
      return canonical === 'skip' ? [] : [canonical.use];
    });
    // Both have one row for each token.
    const table = own.get('model.embed_tokens.weight') ?? own.get('lm_head.weight');
    // A table that ZeRO-3 left empty says nothing of its rows.
    return { own, hidden: new Set(hidden), rows: table?.shape[0] === 0 ? undefined : table?.shape[0] };
  }

  async #warnOfOtherOutput({ own }: Tensors): Promise<void> {
    const warning = await this.#faults.attempt(() =>
      tiedOutputWarning(own.get('model.embed_tokens.weight'), own.get('lm_head.weight')),
    );
    if (warning !== undefined) this.warnings.push(warning);
  }

  /** What lies in a shard that cannot be read is not missed a second time. */
  #map(
    expected: readonly ExpectedTensor[],
    tensors: ReadonlyMap<string, StoredTensor>,
    { hidden }: Tensors,
  ): MappedTensor[] {
    const readable = expected.filter(({ canonical }) => !hidden.has(canonical));
    return mapTensors(readable, tensors, this.#folder, this.#faults);
  }

  async #tower(
    config: LlavaConfig,
    { towerName, towerIsTrained }: LlavaSettings,
    { own, hidden }: Tensors,
  ): Promise<TowerSource | undefined> {
    // A tower that lies in a shard which cannot be read is not missing.
    if ([...hidden].some((name) => name.startsWith('tower.'))) return undefined;
    // The tower of a LoRA checkpoint may be trained and lie in its repository, with what was trained apart from it.
    const isHere = this.#lora === undefined || own.has(CLASS_EMBEDDING);
    const found = await this.#faults.attempt(() =>
      findTower({
        folder: this.#folder,
        baseFolder: this.#lora?.base?.folder,
        towerName,
        towerIsTrained: towerIsTrained && isHere,
        ownConfig: config.vision_config ?? null,
        tensors: own,
        locateTower: this.#options.locateTower,
      }),
    );
    this.warnings.push(...(found?.warnings ?? []));
    if (found === undefined || found.files === null) return found;
    this.#open.push(found.files);
    const { tensors = found.tensors } = { tensors: this.#lora?.mergeTower(found.tensors) };
    return { ...found, tensors };
  }

  async #vision(
    text: TextHyperparameters,
    settings: LlavaSettings,
    { tower, tensors: towerOwn }: TowerSource,
    tensors: Tensors,
  ): Promise<VisionPart | undefined> {
    const expected = await this.#faults.attempt(() =>
      expectedVision(settings, text, tower, this.#configFile),
    );
    if (expected === undefined) return undefined;
    const { layersToRun } = expected;
    const mapped = [
      ...this.#map(expected.tower, towerOwn, tensors),
      ...this.#map(expected.rest, tensors.own, tensors),
    ];
    const known = [...textTensors(text, tensors.rows ?? 0), ...expected.tower, ...expected.rest];
    await this.#faults.attempt(() => validateNoUnknown(tensors.own, known, this.#folder));
    return { tower, layersToRun, projectorLayers: settings.projectorLayers, tensors: mapped };
  }

  async #gridPinpoints(
    config: LlavaConfig,
    { aspect, pinpoints }: LlavaSettings,
    tower: TowerSource | undefined,
  ): Promise<VisionSettings['gridPinpoints'] | undefined> {
    if (aspect !== 'anyres') return [];
    if (pinpoints === null || pinpoints === undefined) {
      const message = 'image_aspect_ratio is anyres, but image_grid_pinpoints is missing.';
      this.#faults.note(unsupported(this.#configFile, message));
      return undefined;
    }
    const sidePx = tower?.tower.sidePx ?? config.vision_config?.image_size ?? undefined;
    if (sidePx === undefined) return undefined;
    return this.#faults.attempt(() => parsePinpoints(pinpoints, sidePx, this.#configFile));
  }

  async #tokenizer(
    config: LlavaConfig,
    kind: Recognised,
    settings: LlavaSettings | undefined,
    rows: number | undefined,
  ): Promise<TokenizerData | undefined> {
    const base = this.#lora?.base;
    // What is not there is not missing from this folder.
    if (this.#lora !== undefined && base === undefined) return undefined;
    const place = {
      folder: base?.folder ?? this.#folder,
      fileNames: base?.names ?? this.#names,
      rows: rows ?? UNKNOWN_ROWS,
    };
    const plain = { reservesPatchToken: false, wrapsImageInStartEnd: false };
    const wanted = rows === undefined ? plain : (settings ?? plain);
    const read = await this.#faults.attempt(() =>
      readTokenizer(tokenizerRequestOf(config, kind, wanted, place)),
    );
    this.warnings.push(...(read?.warnings ?? []));
    return read;
  }

  async #ownTemplate(): Promise<OwnTemplateReading | undefined> {
    const base = this.#lora?.base;
    const own = await this.#faults.attempt(() => readOwnTemplate(this.#folder, this.#names));
    const read =
      base === undefined || own?.template !== null
        ? own
        : await this.#faults.attempt(() => readOwnTemplate(base.folder, base.names));
    this.warnings.push(...(read?.warnings ?? []));
    return read;
  }

  #template(
    config: LlavaConfig,
    { family }: Recognised,
    tokenizer: TokenizerData,
    { template: own }: OwnTemplateReading,
  ): TemplateChoice {
    return chooseTemplate({
      configured: config.conversation_template ?? null,
      family,
      tokenizer,
      own,
      names: [modelName(this.#folder), config._name_or_path ?? ''],
    });
  }
}

const storesOutput = ({ own, hidden }: Tensors): boolean =>
  own.has('lm_head.weight') || hidden.has('lm_head.weight');

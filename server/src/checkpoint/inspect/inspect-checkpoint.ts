// Looks at a checkpoint's folder part by part, goes on after what is wrong, and reports everything at once. Each part is read by the
// code that serving uses; if nothing is found, the whole is described as serving would, so the two cannot disagree.
import { join } from 'node:path';
import { projectorTypeName } from '../convert/projector-metadata.js';
import type { StoredTensor } from '../files/stored-tensor.js';
import { containedPath } from '../files/contained-path.js';
import { MAX_CONFIG_BYTES, readJsonFile } from '../files/json-file.js';
import { missing, unsupported } from '../failures.js';
import { explainMissingWeights, recognise, type Recognised } from '../source/architecture.js';
import { canonicalTensors } from '../source/canonical-tensors.js';
import {
  contextTokensOf,
  modelName,
  settingsOf,
  textConfigOf,
  tokenizerRequestOf,
} from '../source/config-parts.js';
import { configSchema, type LlavaConfig } from '../source/config-schema.js';
import { describeCheckpoint, type DescribeOptions } from '../source/describe-checkpoint.js';
import type { LlavaSettings } from '../source/llava-settings.js';
import { parsePinpoints } from '../source/pinpoints.js';
import { explainTemplate } from '../source/template-choice.js';
import { textHyperparameters, type TextHyperparameters } from '../source/text-hyperparameters.js';
import { canonicalName } from '../source/tensor-names.js';
import { findTower, type TowerSource } from '../source/vision-source.js';
import { fileNames, hasWeights } from '../source/weight-files.js';
import { readTokenizer, type TokenizerData } from '../tokenizer/read-tokenizer.js';
import { validateTensors } from './validate-tensors.js';
import { textFacts, tokenizerFacts, towerFacts } from './checkpoint-facts.js';
import { Findings } from './findings.js';
import { NOTHING_KNOWN, type Inspection } from './inspection.js';
import { memoryNeeds } from './memory-need.js';
import { readStoredWeights, type StoredWeights } from './stored-weights.js';

export async function inspectCheckpoint(folder: string, options: DescribeOptions): Promise<Inspection> {
  const findings = new Findings();
  const names = (await findings.attempt(() => fileNames(folder))) ?? [];
  const explanation = hasWeights(names) ? undefined : explainMissingWeights(names);
  if (explanation !== undefined) {
    findings.note(unsupported(folder, explanation));
    return { source: folder, ...NOTHING_KNOWN, warnings: [], problems: findings.problems };
  }
  const weights = await readStoredWeights(folder, names, findings);
  try {
    const survey = await new Survey(folder, names, weights, findings, options).run();
    const { problems, warnings } = findings;
    if (problems.length > 0) return { ...survey, memory: [], warnings, problems };
    const memory = (await findings.attempt(() => memoryOf(folder, options))) ?? [];
    return { ...survey, memory, warnings, problems: findings.problems };
  } finally {
    await weights.close();
  }
}

async function memoryOf(folder: string, options: DescribeOptions): Promise<Inspection['memory']> {
  const checkpoint = await describeCheckpoint(folder, options);
  try {
    return memoryNeeds(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

type Surveyed = Omit<Inspection, 'memory' | 'warnings' | 'problems'>;

/** What has been understood so far; undefined is what could not be. */
interface Understood {
  readonly kind: Recognised;
  readonly text: TextHyperparameters | undefined;
  readonly settings: LlavaSettings | undefined;
  readonly tensors: ReadonlyMap<string, StoredTensor> | undefined;
  readonly rows: number | null;
  readonly tower: TowerSource | undefined;
}

/** Where nothing tells how many rows the embedding has, any vocabulary fits: the largest published has 256,000. */
const UNKNOWN_ROWS = 2 ** 19;

/** One pass over a folder; each step is skipped when what it stands on is not known. */
class Survey {
  readonly #folder: string;
  readonly #names: readonly string[];
  readonly #weights: StoredWeights;
  readonly #findings: Findings;
  readonly #options: DescribeOptions;
  readonly #configFile: string;

  constructor(
    folder: string,
    names: readonly string[],
    weights: StoredWeights,
    findings: Findings,
    options: DescribeOptions,
  ) {
    this.#folder = folder;
    this.#names = names;
    this.#weights = weights;
    this.#findings = findings;
    this.#options = options;
    this.#configFile = join(folder, 'config.json');
  }

  async run(): Promise<Surveyed> {
    const known = { source: this.#folder, ...NOTHING_KNOWN, tensors: this.#weights.facts };
    const config = await this.#findings.attempt(() => this.#config());
    if (config === undefined) return known;
    const architecture = config.architectures?.[0] ?? null;
    const kind = await this.#findings.attempt(() =>
      recognise(config, modelName(this.#folder), this.#configFile),
    );
    if (kind === undefined) return { ...known, architecture };
    const parts = await this.#parts(config, kind);
    return {
      ...known,
      ...parts,
      architecture: kind.architecture,
      layout: kind.layout === 'hub' ? 'transformers' : 'original',
    };
  }

  async #config(): Promise<LlavaConfig> {
    if (!this.#names.includes('config.json'))
      throw missing(this.#folder, 'There is no config.json, so this is no checkpoint of a model.');
    const path = await containedPath(this.#folder, 'config.json', this.#folder);
    return readJsonFile(path, configSchema, MAX_CONFIG_BYTES);
  }

  async #parts(config: LlavaConfig, kind: Recognised): Promise<Partial<Surveyed>> {
    const textConfig = textConfigOf(config, kind);
    const findings = this.#findings;
    const text = await findings.attempt(() => textHyperparameters(textConfig, kind.family, this.#configFile));
    const settings = await findings.attempt(() => settingsOf(config, kind, this.#configFile));
    const tensors = await findings.attempt(() => canonicalTensors(this.#weights.tensors, kind.layout));
    const rows = vocabularyRows(tensors) ?? textConfig.vocab_size ?? null;
    const tower = await this.#tower(config, kind, settings, tensors);
    const layersToRun = await this.#compare({ kind, text, settings, tensors, rows, tower });
    const tokenizer = await this.#tokenizer(config, kind, settings, rows);
    return {
      text: text === undefined ? null : textFacts(text, rows),
      contextTokens: text === undefined ? null : contextTokensOf(config, text.contextTokens),
      tower: tower === undefined ? null : towerFacts(settings, tower, layersToRun),
      images: settings === undefined ? null : await this.#images(config, settings, tower),
      tokenizer: tokenizer === undefined ? null : tokenizerFacts(tokenizer),
      template: tokenizer === undefined ? null : this.#template(config, kind, tokenizer),
    };
  }

  /** The tower's layers that run, where tensors and configuration tell. */
  async #compare({ kind, text, settings, tensors, rows, tower }: Understood): Promise<number | null> {
    if (text === undefined || settings === undefined || tensors === undefined) return null;
    const { unreadable } = this.#weights;
    const place = { folder: this.#folder, layout: kind.layout, unreadable };
    const checked = await validateTensors({ ...place, text, settings, rows, tower, tensors }, this.#findings);
    return checked?.layersToRun ?? null;
  }

  async #tower(
    config: LlavaConfig,
    kind: Recognised,
    settings: LlavaSettings | undefined,
    tensors: ReadonlyMap<string, StoredTensor> | undefined,
  ): Promise<TowerSource | undefined> {
    if (settings === undefined || tensors === undefined) return undefined;
    // A tower that lies in a shard which cannot be read is not missing.
    const isHidden = [...this.#weights.unreadable].some((name) => {
      const canonical = canonicalName(name, kind.layout);
      return canonical !== 'skip' && canonical.use.startsWith('tower.');
    });
    if (isHidden) return undefined;
    const found = await this.#findings.attempt(() =>
      findTower({
        folder: this.#folder,
        towerName: settings.towerName,
        towerIsTrained: settings.towerIsTrained,
        ownConfig: config.vision_config ?? null,
        tensors,
        locateTower: this.#options.locateTower,
      }),
    );
    await found?.files?.close();
    this.#findings.warnings.push(...(found?.warnings ?? []));
    return found;
  }

  async #images(config: LlavaConfig, settings: LlavaSettings, tower: TowerSource | undefined) {
    const { aspect, mergeType, keepsClassToken, pinpoints, projectorLayers } = settings;
    if (aspect === 'anyres' && (pinpoints === null || pinpoints === undefined))
      this.#findings.note(
        unsupported(this.#configFile, 'image_aspect_ratio is anyres, but image_grid_pinpoints is missing.'),
      );
    const sidePx = tower?.tower.sidePx ?? config.vision_config?.image_size ?? undefined;
    const grid =
      aspect === 'anyres' && pinpoints !== null && pinpoints !== undefined && sidePx !== undefined
        ? await this.#findings.attempt(() => parsePinpoints(pinpoints, sidePx, this.#configFile))
        : undefined;
    return {
      aspect,
      mergeType,
      keepsClassToken,
      projector: projectorTypeName(projectorLayers),
      gridPinpoints: grid ?? [],
    };
  }

  async #tokenizer(
    config: LlavaConfig,
    kind: Recognised,
    settings: LlavaSettings | undefined,
    rows: number | null,
  ): Promise<TokenizerData | undefined> {
    const place = { folder: this.#folder, fileNames: this.#names, rows: rows ?? UNKNOWN_ROWS };
    const plain = { reservesPatchToken: false, wrapsImageInStartEnd: false };
    const read = await this.#findings.attempt(() =>
      readTokenizer(tokenizerRequestOf(config, kind, rows === null ? plain : (settings ?? plain), place)),
    );
    this.#findings.warnings.push(...(read?.warnings ?? []));
    return read;
  }

  #template(config: LlavaConfig, { family }: Recognised, tokenizer: TokenizerData): Inspection['template'] {
    const { template: name, reason } = explainTemplate({
      configured: config.conversation_template ?? null,
      family,
      tokenizer,
      names: [modelName(this.#folder), config._name_or_path ?? ''],
    });
    return { name, reason };
  }
}

/** Both have one row for each token. */
function vocabularyRows(tensors: ReadonlyMap<string, StoredTensor> | undefined): number | undefined {
  const table = tensors?.get('model.embed_tokens.weight') ?? tensors?.get('lm_head.weight');
  return table?.shape[0];
}

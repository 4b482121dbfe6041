// What adapter_config.json says about merging an adapter into its base: where the base is, and what each product is multiplied by.
// Rules: peft 0.17, tuners/lora/model.py (_create_and_replace) and utils/other.py (get_pattern_key).
import { isFilled, readPeftConfig, type PeftConfig, type Refusal } from '../adapter/peft-config.js';
import { malformed } from '../failures.js';

export interface MergeConfig {
  /** As training wrote it: a path of that machine, or a name of the hub. */
  readonly baseName: string | null;
  readonly rank: number;
  readonly warnings: readonly string[];
  /**
   * The factor of the product for a module, such as `model.layers.0.mlp.up_proj`.
   * @param rank of its matrices
   * @throws CheckpointError checkpoint.malformed where the configuration names another rank
   */
  readonly scaleOf: (module: string, rank: number) => number;
}

const ADVICE = 'Merge it with PEFT (merge_and_unload), save the model and load the result.';

/** Keys are Python's regular expressions; names of modules are what is written there. */
const PLAIN_KEY = /^\^?[\w.]+$/;
const MAX_PATTERN_KEYS = 10_000;

type Pattern = PeftConfig['rank_pattern'];

function patternRefusal(key: 'rank_pattern' | 'alpha_pattern'): Refusal {
  const oddEntry = (pattern: Pattern) =>
    Object.entries(pattern ?? {}).find(
      ([name, value]) => !PLAIN_KEY.test(name) || typeof value !== 'number' || !(value > 0),
    );
  return {
    applies: ({ [key]: pattern }) =>
      oddEntry(pattern) !== undefined || Object.keys(pattern ?? {}).length > MAX_PATTERN_KEYS,
    says: ({ [key]: pattern }) =>
      `${key} has the entry ${JSON.stringify(oddEntry(pattern) ?? '').slice(0, 100)}; allowed are at most ${MAX_PATTERN_KEYS} names of modules, not regular expressions, with numbers above 0.`,
  };
}

const REFUSALS = [patternRefusal('rank_pattern'), patternRefusal('alpha_pattern')];

/** @throws CheckpointError checkpoint.missing, checkpoint.malformed, checkpoint.unsupported */
export async function readMergeConfig(path: string): Promise<MergeConfig> {
  const config = await readPeftConfig(path, REFUSALS, ADVICE);
  const { r, lora_alpha: alpha, use_rslora: isStabilised, base_model_name_or_path: base } = config;
  const scaleOf = (module: string, rank: number): number => {
    const wantedRank = valueFor(config.rank_pattern, module) ?? r;
    if (rank !== wantedRank)
      throw malformed(path, `The rank of ${module} is ${wantedRank}, but its matrices are of rank ${rank}.`);
    const ownAlpha = valueFor(config.alpha_pattern, module) ?? alpha;
    return ownAlpha / (isStabilised === true ? Math.sqrt(rank) : rank);
  };
  const baseName = base?.trim() ?? '';
  return {
    baseName: baseName === '' ? null : baseName,
    rank: r,
    warnings: warningsOf(config, path),
    scaleOf,
  };
}

/** PEFT stores the matrices of linear layers one way only, and goes on with a warning, too. */
const warningsOf = ({ fan_in_fan_out: isTransposed }: PeftConfig, path: string): string[] =>
  isTransposed === true
    ? [
        `${path}: fan_in_fan_out is true and means nothing for the linear layers of a LLaVA; it is passed over.`,
      ]
    : [];

/** The first key that is the module's name or its end. */
function valueFor(pattern: Pattern, module: string): number | undefined {
  if (!isFilled(pattern)) return undefined;
  const entry = Object.entries(pattern ?? {}).find(([key]) =>
    key.startsWith('^') ? module === key.slice(1) : module === key || module.endsWith(`.${key}`),
  );
  return entry === undefined ? undefined : Number(entry[1]);
}

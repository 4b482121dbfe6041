// What adapter_config.json says about a LoRA adapter that is applied beside a model, as far as it changes the arithmetic.
import { isFilled, readPeftConfig, type Refusal } from './peft-config.js';

export interface AdapterConfig {
  /** The product of the two matrices is multiplied by `alpha` / rank. */
  readonly alpha: number;
}

const ADVICE = 'Merge the adapter into its model and load the result.';

/** @throws CheckpointError checkpoint.missing, checkpoint.malformed, checkpoint.unsupported */
export async function readAdapterConfig(path: string): Promise<AdapterConfig> {
  const { r, lora_alpha: alpha, use_rslora: isStabilised } = await readPeftConfig(path, REFUSALS, ADVICE);
  // Rank-stabilised adapters divide by the square root of the rank.
  return { alpha: isStabilised === true ? alpha * Math.sqrt(r) : alpha };
}

const REFUSALS: readonly Refusal[] = [
  {
    applies: ({ fan_in_fan_out: isTransposed }) => isTransposed === true,
    says: () => 'fan_in_fan_out is true, which no LLaVA has.',
  },
  {
    applies: ({ bias }) => bias != null && bias !== 'none',
    says: ({ bias }) => `bias is ${bias}: biases that were trained beside the matrices cannot be applied.`,
  },
  {
    applies: ({ alpha_pattern: pattern }) => isFilled(pattern),
    says: () => 'alpha_pattern is set; one alpha must hold for all matrices.',
  },
  {
    applies: ({ use_rslora: isStabilised, rank_pattern: pattern }) =>
      isStabilised === true && isFilled(pattern),
    says: () => 'use_rslora is true with a rank_pattern; one rank must hold for all matrices.',
  },
];

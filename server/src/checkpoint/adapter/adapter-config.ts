// What adapter_config.json of PEFT says about a LoRA adapter, as far as it changes the arithmetic. What cannot be applied here is
// refused by its key: an adapter that is applied by half answers wrongly without a word. Rules: peft 0.17, tuners/lora/layer.py.
import { z } from 'zod';
import { unsupported } from '../failures.js';
import { MAX_CONFIG_BYTES, readJsonFile } from '../files/json-file.js';

export interface AdapterConfig {
  /** The product of the two matrices is multiplied by `alpha` / rank. */
  readonly alpha: number;
}

const schema = z.object({
  peft_type: z.string().nullish(),
  r: z.number().int().positive(),
  lora_alpha: z.number(),
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  fan_in_fan_out: z.boolean().nullish(),
  bias: z.string().nullish(),
  alora_invocation_tokens: z.array(z.number()).nullish(),
  rank_pattern: z.record(z.string(), z.unknown()).nullish(),
  alpha_pattern: z.record(z.string(), z.unknown()).nullish(),
});
type PeftConfig = z.infer<typeof schema>;

/** @throws CheckpointError checkpoint.missing, checkpoint.malformed, checkpoint.unsupported */
export async function readAdapterConfig(path: string): Promise<AdapterConfig> {
  const { value } = await readJsonFile(path, schema, MAX_CONFIG_BYTES);
  const refusal = REFUSALS.find(({ applies }) => applies(value));
  if (refusal !== undefined)
    throw unsupported(path, `${refusal.says(value)} Merge the adapter into its model and load the result.`);
  // Rank-stabilised adapters divide by the square root of the rank.
  return { alpha: value.use_rslora === true ? value.lora_alpha * Math.sqrt(value.r) : value.lora_alpha };
}

const isFilled = (pattern: Record<string, unknown> | null | undefined): boolean =>
  Object.keys(pattern ?? {}).length > 0;

const REFUSALS: readonly {
  readonly applies: (config: PeftConfig) => boolean;
  readonly says: (config: PeftConfig) => string;
}[] = [
  {
    applies: ({ peft_type: type }) => type != null && type !== 'LORA',
    says: ({ peft_type: type }) => `peft_type is ${type}; only LORA can be applied at run time.`,
  },
  {
    applies: ({ use_dora: isDora }) => isDora === true,
    says: () => 'use_dora is true: the magnitudes of DoRA cannot be applied at run time.',
  },
  {
    applies: ({ fan_in_fan_out: isTransposed }) => isTransposed === true,
    says: () => 'fan_in_fan_out is true, which no LLaVA has.',
  },
  {
    applies: ({ bias }) => bias != null && bias !== 'none',
    says: ({ bias }) => `bias is ${bias}: biases that were trained beside the matrices cannot be applied.`,
  },
  {
    applies: ({ alora_invocation_tokens: tokens }) => (tokens ?? []).length > 0,
    says: () => 'alora_invocation_tokens is set: adapters that begin within a prompt are not supported.',
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

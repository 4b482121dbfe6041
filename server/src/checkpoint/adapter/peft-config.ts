// adapter_config.json of PEFT, and what of it keeps an adapter from being used in any way. What changes the arithmetic and is not
// known here is refused by its key: an adapter that is applied by half answers wrongly without a word. Rules: peft 0.17, tuners/lora.
import { z } from 'zod';
import { unsupported } from '../failures.js';
import { MAX_CONFIG_BYTES, readJsonFile } from '../files/json-file.js';

const schema = z.object({
  base_model_name_or_path: z.string().max(1024).nullish(),
  peft_type: z.string().nullish(),
  r: z.number().int().positive(),
  lora_alpha: z.number(),
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  fan_in_fan_out: z.boolean().nullish(),
  bias: z.string().nullish(),
  lora_bias: z.boolean().nullish(),
  init_lora_weights: z.union([z.boolean(), z.string()]).nullish(),
  alora_invocation_tokens: z.array(z.number()).nullish(),
  rank_pattern: z.record(z.string(), z.unknown()).nullish(),
  alpha_pattern: z.record(z.string(), z.unknown()).nullish(),
});
export type PeftConfig = z.infer<typeof schema>;

export interface Refusal {
  readonly applies: (config: PeftConfig) => boolean;
  readonly says: (config: PeftConfig) => string;
}

/** Beginnings that leave the model's own weights as they were; PiSSA, OLoRA, CorDA and LoftQ take a part out of them. */
const PLAIN_BEGINNINGS = ['gaussian', 'eva', 'orthogonal'];

const REFUSALS: readonly Refusal[] = [
  {
    applies: ({ peft_type: type }) => type != null && type !== 'LORA',
    says: ({ peft_type: type }) => `peft_type is ${type}; only LORA is supported.`,
  },
  {
    applies: ({ use_dora: isDora }) => isDora === true,
    says: () => 'use_dora is true: the magnitudes of DoRA are not supported.',
  },
  {
    applies: ({ lora_bias: hasBias }) => hasBias === true,
    says: () => 'lora_bias is true: biases of the LoRA matrices are not supported.',
  },
  {
    applies: ({ init_lora_weights: beginning }) =>
      typeof beginning === 'string' && !PLAIN_BEGINNINGS.includes(beginning),
    says: ({ init_lora_weights: beginning }) =>
      `init_lora_weights is ${JSON.stringify(beginning)}, which changes the weights of the base before the adapter is applied.`,
  },
  {
    applies: ({ alora_invocation_tokens: tokens }) => (tokens ?? []).length > 0,
    says: () => 'alora_invocation_tokens is set: adapters that begin within a prompt are not supported.',
  },
];

/**
 * @param advice what to do with an adapter that is refused
 * @throws CheckpointError checkpoint.missing, checkpoint.malformed, checkpoint.unsupported
 */
export async function readPeftConfig(
  path: string,
  furtherRefusals: readonly Refusal[],
  advice: string,
): Promise<PeftConfig> {
  const { value } = await readJsonFile(path, schema, MAX_CONFIG_BYTES);
  const refusal = [...REFUSALS, ...furtherRefusals].find(({ applies }) => applies(value));
  if (refusal !== undefined) throw unsupported(path, `${refusal.says(value)} ${advice}`);
  return value;
}

export const isFilled = (pattern: Record<string, unknown> | null | undefined): boolean =>
  Object.keys(pattern ?? {}).length > 0;

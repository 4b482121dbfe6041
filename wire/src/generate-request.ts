// The request object of /generate, /generate_stream and the json_data part of /image_generate[_stream] (Takeoff 0.21).
// Shape only: types and nullability. Ranges that depend on the server's configuration are validated by the server.
import { z } from 'zod';

/**
 * Inclusive ranges and defaults of the numeric fields; `exclusiveMin` where zero itself is not allowed. `sampling_topp` 0, and
 * `sampling_topk` 0 and -1, mean what other servers mean by them: not restricted.
 */
export const NUMERIC_FIELDS = {
  sampling_temperature: { default: 1, min: 0, max: 100, exclusiveMin: false },
  sampling_topp: { default: 1, min: 0, max: 1, exclusiveMin: false },
  sampling_topk: { default: 1, min: -1, max: 2147483647, exclusiveMin: false },
  repetition_penalty: { default: 1, min: 0, max: 100, exclusiveMin: true },
  no_repeat_ngram_size: { default: 0, min: 0, max: 1024, exclusiveMin: false },
  max_new_tokens: { default: 128, min: 1, max: 2147483647, exclusiveMin: false },
  min_new_tokens: { default: 1, min: 0, max: 2147483647, exclusiveMin: false },
  prompt_max_tokens: { default: null, min: 1, max: 2147483647, exclusiveMin: false },
} as const;

export type NumericField = keyof typeof NUMERIC_FIELDS;

/** Where `consumer_group` is not set, of requests and of readers. */
export const DEFAULT_CONSUMER_GROUP = 'primary';

/** Names of engines for json_schema and regex_string that clients choose between. */
export const CONSTRAINT_BACKENDS: readonly string[] = [
  'lmfe',
  'lm-format-enforcer',
  'outlines',
  'all',
  'llguidance',
];

/** The range stands in the description of the API and is validated by the server, which has words of its own for it. */
function numeric<Kind extends z.ZodNumber>(field: NumericField, kind: Kind, meaning: string) {
  const { default: byDefault, min, max, exclusiveMin } = NUMERIC_FIELDS[field];
  const lowest = exclusiveMin ? { exclusiveMinimum: min, minimum: undefined } : { minimum: min };
  return kind
    .meta({ ...lowest, maximum: max })
    .nullish()
    .meta({ description: meaning, default: byDefault });
}

const optionalText = (meaning: string) => z.string().nullish().describe(meaning);
const optionalFlag = (meaning: string) =>
  z.boolean().nullish().meta({ description: meaning, default: false });

/** Only `text` is required; every other field may be absent or null; unknown fields are dropped. */
export const generateRequestSchema = z
  .object({
    text: z
      .union([z.string(), z.array(z.string()).meta({ minItems: 1 })])
      .describe('A prompt, or a list of prompts, which are answered in its order.'),
    sampling_temperature: numeric('sampling_temperature', z.number(), 'Temperature of sampling.'),
    sampling_topp: numeric('sampling_topp', z.number(), 'Nucleus sampling; 0 does not restrict either.'),
    sampling_topk: numeric(
      'sampling_topk',
      z.int(),
      'Draws from the likeliest tokens only. The default always takes the likeliest one; 0 and -1 do not restrict.',
    ),
    repetition_penalty: numeric(
      'repetition_penalty',
      z.number(),
      'Above 1, tokens that the answer has are less likely.',
    ),
    no_repeat_ngram_size: numeric(
      'no_repeat_ngram_size',
      z.int(),
      'No run of so many tokens comes twice in the answer; 0: off.',
    ),
    max_new_tokens: numeric('max_new_tokens', z.int(), 'Longest answer, in tokens.'),
    min_new_tokens: numeric('min_new_tokens', z.int(), 'Shortest answer, in tokens.'),
    regex_string: optionalText('The answer matches this regular expression; json_schema is ignored then.'),
    json_schema: z
      .unknown()
      .optional()
      .meta({ description: 'The answer is valid JSON of this JSON Schema.', type: ['object', 'null'] }),
    prompt_max_tokens: numeric(
      'prompt_max_tokens',
      z.int(),
      'Longer prompts are cut at their end; tokens of images are never cut.',
    ),
    consumer_group: optionalText('Whose readers answer.').meta({ default: DEFAULT_CONSUMER_GROUP }),
    lora_id: optionalText('The LoRA adapter to answer through, by its name among `loras` of the reader.'),
    constrained_decoding_backend: optionalText(
      'Accepted, and without effect: one engine does the work of all that are named so.',
    ).meta({ enum: [...CONSTRAINT_BACKENDS, null] }),
    // Accepted because official clients send it, never honoured: no path of a client opens anything.
    image_paths: z.unknown().optional().describe('Ignored: no path of a client opens anything.'),
    return_metadata: optionalFlag('Adds counts of tokens and times to the answer.'),
    use_chat_template: optionalFlag("Takes the text for what a user says, in the model's own chat format."),
    cache_salt: optionalText(
      'An extension: what was computed of prompts and images is shared only with requests of the same salt.',
    ),
    image_token_budget: z
      .union([z.int(), z.literal('full')], 'expected a whole number from 1, or "full"')
      .nullish()
      .describe(
        'An extension: each image of the request takes at most so many tokens. Absent or null: what the reader is set to.',
      ),
  })
  .meta({ id: 'GenerateRequest' });

export type GenerateRequest = z.infer<typeof generateRequestSchema>;

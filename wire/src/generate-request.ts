// The request object of /generate, /generate_stream and the json_data part of /image_generate[_stream] (Takeoff 0.21).
// Shape only: types and nullability. Ranges that depend on the server's configuration are validated by the server.
import { z } from 'zod';

const optionalNumber = z.number().nullish();
const optionalInteger = z.int().nullish();
const optionalText = z.string().nullish();

/** Only `text` is required; every other field may be absent or null; unknown fields are dropped. */
export const generateRequestSchema = z.object({
  text: z.union([z.string(), z.array(z.string())]),
  sampling_temperature: optionalNumber,
  sampling_topp: optionalNumber,
  sampling_topk: optionalInteger,
  repetition_penalty: optionalNumber,
  no_repeat_ngram_size: optionalInteger,
  max_new_tokens: optionalInteger,
  min_new_tokens: optionalInteger,
  regex_string: optionalText,
  json_schema: z.unknown().optional(),
  prompt_max_tokens: optionalInteger,
  consumer_group: optionalText,
  lora_id: optionalText,
  constrained_decoding_backend: optionalText,
  // Accepted because official clients send it, never honoured: no path of a client opens anything.
  image_paths: z.unknown().optional(),
  return_metadata: z.boolean().nullish(),
  use_chat_template: z.boolean().nullish(),
  // An extension: requests share what was computed of prompts and images only with those of the same salt.
  cache_salt: optionalText,
  // An extension: each image of the request takes at most so many tokens. Absent or null: what the reader is set to.
  image_token_budget: z
    .union([z.int(), z.literal('full')], 'expected a whole number from 1, or "full"')
    .nullish(),
});

export type GenerateRequest = z.infer<typeof generateRequestSchema>;

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

/** Where `consumer_group` is not set, of requests and of readers. */
export const DEFAULT_CONSUMER_GROUP = 'primary';

export type NumericField = keyof typeof NUMERIC_FIELDS;

export type FinishReason = 'stop' | 'length' | 'cancelled';

/** What `return_metadata` adds, per prompt. */
export interface GenerationMetadata {
  readonly prompt_tokens: number;
  /** Part of prompt_tokens: rows that stand for the image. */
  readonly image_tokens: number;
  /** Part of prompt_tokens: what did not have to be computed, because an earlier request began alike. */
  readonly cached_tokens: number;
  readonly generated_tokens: number;
  readonly finish_reason: FinishReason;
  /** How long the prompt waited for its schema or pattern to be compiled, in milliseconds; absent where it had none. */
  readonly constraint_ms?: number;
  /** What in the request was hardly meant, in sentences for people; absent where there is nothing to say. */
  readonly warnings?: readonly string[];
  /** Absent in answers of older servers. */
  readonly timings?: PromptTimings;
}

/**
 * What the time of one prompt went into, in milliseconds. Stages do not overlap and add up to `total_ms`; `first_token_ms` is none
 * of them.
 */
export interface PromptTimings {
  /** From the first byte of the request until its body had arrived and was parsed. */
  readonly receive_ms: number;
  /** Fetching and decoding images. */
  readonly decode_image_ms: number;
  /** Waiting: for a reader, for a place beside other prompts, for a schema or pattern. */
  readonly queue_ms: number;
  /** Until the features of its images were there. */
  readonly vision_ms: number;
  /** Until its prompt was computed. */
  readonly prefill_ms: number;
  /** From its first token to its end. */
  readonly decode_ms: number;
  /** From the first byte of the request to the first token; null for an answer without text. */
  readonly first_token_ms: number | null;
  /** From the first byte of the request to the end of the answer. */
  readonly total_ms: number;
}

/** 200 body of /generate and /image_generate: a list exactly where the request had a list. */
export interface GenerateResponse {
  readonly text: string | readonly string[];
  readonly metadata?: GenerationMetadata | readonly GenerationMetadata[];
}

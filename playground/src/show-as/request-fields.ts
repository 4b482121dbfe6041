// A question in the words of the two APIs. Pure: the programs of programs.ts print what stands here.
import type { Question } from '../ask/turn.js';

export type Api = 'native' | 'openai';

export type JsonObject = Readonly<Record<string, unknown>>;

/** The body of /generate and its kin. */
export const nativeFields = ({ text, options }: Question): JsonObject => ({
  text,
  ...Object.fromEntries(Object.entries(options).map(([name, value]) => [snakeCase(name), value])),
});

const snakeCase = (name: string): string =>
  name.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);

/** Where the native API's own default differs from OpenAI's, the request has to say it. */
const NATIVE_MAX_NEW_TOKENS = 128;

export interface OpenaiRequest {
  readonly endpoint: 'chat/completions' | 'completions';
  /** Everything but the messages or the prompt. Fields of vLLM's that OpenAI's libraries do not know stand apart. */
  readonly known: JsonObject;
  readonly extra: JsonObject;
  /** Settings of the question that OpenAI's API has no field for. */
  readonly missing: readonly string[];
}

/** Null where OpenAI's API cannot ask this: an image without the chat template. */
export function openaiRequest({ options, image }: Question): OpenaiRequest | null {
  const { useChatTemplate = false } = options;
  if (!useChatTemplate && image !== null) return null;
  const { noRepeatNgramSize, promptMaxTokens, loraId, jsonSchema } = options;
  const missing = Object.entries({ noRepeatNgramSize, promptMaxTokens, loraId }).flatMap(([name, value]) =>
    value === undefined ? [] : [snakeCase(name)],
  );
  return {
    endpoint: useChatTemplate ? 'chat/completions' : 'completions',
    known: {
      model: options.consumerGroup ?? 'primary',
      max_tokens: options.maxNewTokens ?? NATIVE_MAX_NEW_TOKENS,
      ...sampling(options),
      ...(jsonSchema === undefined
        ? {}
        : { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: jsonSchema } } }),
    },
    extra: {
      ...(isGreedy(options) ? {} : { top_k: options.samplingTopk }),
      ...(options.repetitionPenalty === undefined ? {} : { repetition_penalty: options.repetitionPenalty }),
      ...(options.minNewTokens === undefined ? {} : { min_tokens: options.minNewTokens }),
      ...(options.imageTokenBudget === undefined ? {} : { image_token_budget: options.imageTokenBudget }),
    },
    missing,
  };
}

const isGreedy = ({ samplingTopk }: Question['options']): boolean =>
  samplingTopk === undefined || samplingTopk === 1;

function sampling(options: Question['options']): JsonObject {
  if (isGreedy(options)) return { temperature: 0 };
  const { samplingTemperature, samplingTopp } = options;
  return {
    temperature: samplingTemperature ?? 1,
    ...(samplingTopp === undefined ? {} : { top_p: samplingTopp }),
  };
}

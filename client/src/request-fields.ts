// From options to the JSON of a request. An option that this library does not know is refused, since a misspelt one would
// otherwise be dropped in silence.
import type { GenerateRequest } from 'takeoff-wire';
import { InvalidInputError } from './errors.js';
import type { GenerateOptions, RequestFields } from './options.js';

const FIELD_OF_OPTION = {
  samplingTemperature: 'sampling_temperature',
  samplingTopp: 'sampling_topp',
  samplingTopk: 'sampling_topk',
  repetitionPenalty: 'repetition_penalty',
  noRepeatNgramSize: 'no_repeat_ngram_size',
  maxNewTokens: 'max_new_tokens',
  minNewTokens: 'min_new_tokens',
  regexString: 'regex_string',
  jsonSchema: 'json_schema',
  promptMaxTokens: 'prompt_max_tokens',
  imageTokenBudget: 'image_token_budget',
  consumerGroup: 'consumer_group',
  loraId: 'lora_id',
  constrainedDecodingBackend: 'constrained_decoding_backend',
  returnMetadata: 'return_metadata',
  useChatTemplate: 'use_chat_template',
  cacheSalt: 'cache_salt',
} as const satisfies Record<keyof RequestFields, keyof GenerateRequest>;

const OTHER_OPTIONS: ReadonlySet<string> = new Set<Exclude<keyof GenerateOptions, keyof RequestFields>>([
  'image',
  'signal',
  'timeoutMs',
]);

/**
 * The request as the server reads it.
 * @throws InvalidInputError for an option that does not exist
 */
export function requestFields(
  text: string | readonly string[],
  options: GenerateOptions,
): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = { text };
  for (const [option, value] of Object.entries(options)) {
    if (isRequestOption(option)) fields[FIELD_OF_OPTION[option]] = value;
    else if (!OTHER_OPTIONS.has(option)) throw new InvalidInputError(unknownOption(option));
  }
  return fields;
}

const isRequestOption = (name: string): name is keyof RequestFields => Object.hasOwn(FIELD_OF_OPTION, name);

function unknownOption(option: string): string {
  const known = Object.entries(FIELD_OF_OPTION).find(([, field]) => field === option)?.[0];
  if (known !== undefined) return `There is no option ${option}; here it is called ${known}.`;
  const allowed = [...Object.keys(FIELD_OF_OPTION), ...OTHER_OPTIONS].join(', ');
  return `There is no option ${option}. There are ${allowed}.`;
}

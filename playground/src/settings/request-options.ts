// The settings of a request: what a person may type, which of it is allowed, and what of it is sent. Pure. The ranges are those of
// wire's NUMERIC_FIELDS, which request-options.test.ts compares, because wire's module would bring a schema library into the page.
import type { RequestFields } from 'takeoff-client';

/** As typed; empty means the server's default. */
export interface Settings {
  readonly consumerGroup: string;
  readonly loraId: string;
  readonly useChatTemplate: boolean;
  readonly numbers: Readonly<Record<NumberName, string>>;
  readonly jsonSchema: string;
  readonly apiKey: string;
  /** Whether images above SHRINK_ABOVE_PX are sent as they are. */
  readonly keepsOriginals: boolean;
  readonly theme: 'system' | 'light' | 'dark';
}

export interface NumberSetting {
  readonly label: string;
  readonly help: string;
  readonly field: string;
  readonly min: number;
  readonly max: number;
  readonly isInteger: boolean;
  /** Whether `min` itself is not allowed. */
  readonly exclusiveMin: boolean;
  readonly standard: string;
}

const COUNT_MAX = 2_147_483_647;
const whole = { isInteger: true, exclusiveMin: false, max: COUNT_MAX } as const;
const real = { isInteger: false, exclusiveMin: false } as const;

export const NUMBER_SETTINGS = {
  maxNewTokens: {
    ...whole,
    label: 'Longest answer',
    help: 'tokens',
    field: 'max_new_tokens',
    min: 1,
    standard: '128',
  },
  minNewTokens: {
    ...whole,
    label: 'Shortest answer',
    help: 'tokens',
    field: 'min_new_tokens',
    min: 0,
    standard: '1',
  },
  samplingTopk: {
    ...whole,
    label: 'Top-k',
    help: '1 always takes the likeliest token; 0 does not restrict',
    field: 'sampling_topk',
    min: -1,
    standard: '1',
  },
  samplingTopp: {
    ...real,
    label: 'Top-p',
    help: 'share of probability to choose from',
    field: 'sampling_topp',
    min: 0,
    max: 1,
    standard: '1',
  },
  samplingTemperature: {
    ...real,
    label: 'Temperature',
    help: 'has an effect with top-k other than 1',
    field: 'sampling_temperature',
    min: 0,
    max: 100,
    standard: '1',
  },
  repetitionPenalty: {
    ...real,
    label: 'Repetition penalty',
    help: 'above 1 discourages tokens that were used',
    field: 'repetition_penalty',
    min: 0,
    max: 100,
    exclusiveMin: true,
    standard: '1',
  },
  noRepeatNgramSize: {
    ...whole,
    label: 'No repeated runs of',
    help: 'tokens; 0 allows all',
    field: 'no_repeat_ngram_size',
    min: 0,
    max: 1024,
    standard: '0',
  },
  promptMaxTokens: {
    ...whole,
    label: 'Longest prompt',
    help: 'tokens; longer ones are cut',
    field: 'prompt_max_tokens',
    min: 1,
    standard: 'no limit',
  },
  imageTokenBudget: {
    ...whole,
    label: 'Image at most',
    help: 'tokens; fewer are faster and less exact',
    field: 'image_token_budget',
    min: 1,
    standard: 'as the server is set',
  },
} as const satisfies Record<string, NumberSetting>;

export type NumberName = keyof typeof NUMBER_SETTINGS;

export const NUMBER_NAMES: readonly NumberName[] = [
  'maxNewTokens',
  'minNewTokens',
  'samplingTopk',
  'samplingTopp',
  'samplingTemperature',
  'repetitionPenalty',
  'noRepeatNgramSize',
  'promptMaxTokens',
  'imageTokenBudget',
];

export const STANDARD_SETTINGS: Settings = {
  consumerGroup: '',
  loraId: '',
  useChatTemplate: true,
  numbers: {
    maxNewTokens: '',
    minNewTokens: '',
    samplingTopk: '',
    samplingTopp: '',
    samplingTemperature: '',
    repetitionPenalty: '',
    noRepeatNgramSize: '',
    promptMaxTokens: '',
    imageTokenBudget: '',
  },
  jsonSchema: '',
  apiKey: '',
  keepsOriginals: false,
  theme: 'system',
};

/** What is wrong with a typed number; undefined where nothing is. */
export function numberProblem(name: NumberName, typed: string): string | undefined {
  if (typed.trim() === '') return undefined;
  const { min, max, isInteger, exclusiveMin }: NumberSetting = NUMBER_SETTINGS[name];
  const value = Number(typed);
  const isAllowed =
    Number.isFinite(value) &&
    (!isInteger || Number.isInteger(value)) &&
    (exclusiveMin ? value > min : value >= min) &&
    value <= max;
  if (isAllowed) return undefined;
  const kind = isInteger ? 'a whole number' : 'a number';
  const upTo = max === COUNT_MAX ? '' : ` up to ${max}`;
  return `Allowed is ${kind} ${exclusiveMin ? 'above' : 'from'} ${min}${upTo}.`;
}

/** What is wrong with a typed schema; undefined where nothing is. Whether the server can enforce it, only the server knows. */
export function schemaProblem(typed: string): string | undefined {
  if (typed.trim() === '') return undefined;
  try {
    const schema: unknown = JSON.parse(typed);
    if (typeof schema === 'boolean') return undefined;
    if (typeof schema === 'object' && schema !== null && !Array.isArray(schema)) return undefined;
    return 'A JSON schema is an object, such as {"type": "object"}.';
  } catch (error) {
    return `This is not JSON: ${error instanceof Error ? error.message : String(error)}.`;
  }
}

export const hasProblems = ({ numbers, jsonSchema }: Settings): boolean =>
  schemaProblem(jsonSchema) !== undefined ||
  NUMBER_NAMES.some((name) => numberProblem(name, numbers[name]) !== undefined);

/** Who is asked. */
export interface Addressee {
  /** Empty where there is only one. */
  readonly group: string;
  /** Empty for the model as it is. */
  readonly lora: string;
}

/** The fields that are sent: those that differ from the server's defaults. */
export function requestOptions(settings: Settings, { group, lora }: Addressee): RequestFields {
  const { numbers, jsonSchema, useChatTemplate } = settings;
  const set = NUMBER_NAMES.filter(
    (name) => numbers[name].trim() !== '' && numberProblem(name, numbers[name]) === undefined,
  );
  const schema: unknown =
    jsonSchema.trim() === '' || schemaProblem(jsonSchema) !== undefined ? undefined : JSON.parse(jsonSchema);
  return {
    ...(useChatTemplate ? { useChatTemplate } : {}),
    ...(group === '' ? {} : { consumerGroup: group }),
    ...(lora === '' ? {} : { loraId: lora }),
    ...Object.fromEntries(set.map((name) => [name, Number(numbers[name])])),
    ...(schema === undefined ? {} : { jsonSchema: schema }),
  };
}

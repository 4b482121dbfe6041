// The flags of commands that ask a model, and the request fields they become. The server, which knows the ranges, validates them.
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { RequestFields } from 'takeoff-client';

/** What commander makes of the flags. */
export interface RequestFlags {
  readonly chatTemplate?: boolean;
  readonly maxNewTokens?: number;
  readonly minNewTokens?: number;
  readonly promptMaxTokens?: number;
  readonly imageTokenBudget?: number | 'full';
  readonly samplingTemperature?: number;
  readonly samplingTopp?: number;
  readonly samplingTopk?: number;
  readonly repetitionPenalty?: number;
  readonly ngramBlock?: number;
}

const NUMBERS: readonly (readonly [flag: string, meaning: string])[] = [
  ['max-new-tokens', 'longest answer (default: 128)'],
  ['min-new-tokens', 'shortest answer (default: 1)'],
  ['prompt-max-tokens', 'cut the text of the prompt to so many tokens'],
  ['sampling-temperature', 'from 0 to 100 (default: 1)'],
  ['sampling-topp', 'from 0 to 1 (default: 1; 0 is the same: not restricted)'],
  [
    'sampling-topk',
    'choose among so many tokens (default: 1, the likeliest always, whatever the temperature; 0: all)',
  ],
  ['repetition-penalty', 'above 0, up to 100 (default: 1, none)'],
  // Not named as the field, no_repeat_ngram_size: commander reads --no-… as the negation of a flag.
  ['ngram-block', 'never repeat a run of so many tokens (default: 0, off)'],
];

export function addRequestFlags(command: Command): void {
  command.option('--chat-template', "put the prompt into the model's own chat format");
  for (const [flag, meaning] of NUMBERS)
    command.addOption(new Option(`--${flag} <number>`, meaning).argParser(parseNumber));
  command.addOption(
    new Option(
      '--image-token-budget <number|full>',
      'tokens that an image takes at most; fewer are faster and less exact (default: what the server is set to)',
    ).argParser((text) => (text === 'full' ? text : parseNumber(text))),
  );
}

export function requestFields(flags: RequestFlags): RequestFields {
  const { chatTemplate, maxNewTokens, minNewTokens, promptMaxTokens, imageTokenBudget } = flags;
  const { samplingTemperature, samplingTopp, samplingTopk, repetitionPenalty, ngramBlock } = flags;
  return {
    useChatTemplate: chatTemplate,
    maxNewTokens,
    minNewTokens,
    promptMaxTokens,
    imageTokenBudget,
    samplingTemperature,
    samplingTopp,
    samplingTopk,
    repetitionPenalty,
    noRepeatNgramSize: ngramBlock,
  };
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It is not a number.');
  return value;
}

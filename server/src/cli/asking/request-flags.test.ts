import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addRequestFlags, requestFields, type RequestFlags } from './request-flags.js';

function fieldsOf(...words: string[]): object {
  const command = new Command('x').exitOverride().configureOutput({ writeErr: () => undefined });
  addRequestFlags(command);
  return requestFields(command.parse(words, { from: 'user' }).opts<RequestFlags>());
}
const typed = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

describe('request flags', () => {
  it('leave fields out of the request whose flags were not typed', () => {
    expect(typed(fieldsOf())).toEqual({});
  });

  it('become the fields of the request', () => {
    const words =
      '--chat-template --max-new-tokens 5 --min-new-tokens 2 --prompt-max-tokens 9 --sampling-temperature 0.5 ' +
      '--sampling-topp 0.9 --sampling-topk 40 --repetition-penalty 1.1 --ngram-block 3 --image-token-budget full';
    expect(typed(fieldsOf(...words.split(' ')))).toEqual({
      useChatTemplate: true,
      maxNewTokens: 5,
      minNewTokens: 2,
      promptMaxTokens: 9,
      imageTokenBudget: 'full',
      samplingTemperature: 0.5,
      samplingTopp: 0.9,
      samplingTopk: 40,
      repetitionPenalty: 1.1,
      noRepeatNgramSize: 3,
    });
  });

  it.each(['', 'many', 'NaN', '1e999'])('refuse the value %j, which is no number', (text) => {
    expect(() => fieldsOf('--max-new-tokens', text)).toThrow(/not a number/u);
  });
});

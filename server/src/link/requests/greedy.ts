// Sampling as the gateway fills it in when a request says nothing, which is greedy: for work in which the text does not matter, such as
// warming up and measuring, and for tests.
import type { SamplingParameters } from './messages.js';

export const GREEDY: SamplingParameters = {
  temperature: 1,
  topP: 1,
  topK: 1,
  minP: 0,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  logitBias: [],
  noRepeatNgramSize: 0,
  maxNewTokens: 128,
  minNewTokens: 0,
  seed: null,
  stop: [],
  topLogprobs: null,
};

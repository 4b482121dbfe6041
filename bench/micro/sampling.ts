// Greedy sampling, for measurements in which the text does not matter.
export const SAMPLING = {
  temperature: 1,
  topP: 1,
  topK: 1,
  minP: 0,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  logitBias: [],
  noRepeatNgramSize: 0,
  seed: null,
  stop: [],
  topLogprobs: null,
};

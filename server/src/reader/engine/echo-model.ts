// The model around the echo engine: a byte tokenizer and a description, so that prompt assembly, scheduling and the HTTP side
// work exactly as with a real model.
import type { ModelDescription } from '../../model/description.js';
import type { Tokenizer } from '../prompt/tokenizer.js';
import { EchoEngine } from './echo-engine.js';
import type { Engine, EngineLimits } from './engine.js';

const BOS = 1;
const END = 2;
/** Byte b is token b + 3. */
const FIRST_BYTE_TOKEN = 3;

export interface EchoModel {
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  readonly description: ModelDescription;
}

export function createEchoModel(limits: EngineLimits): EchoModel {
  const description: ModelDescription = {
    architecture: 'LlavaLlamaForCausalLM',
    contextTokens: limits.contextTokens,
    template: 'vicuna_v1',
    tokenizer: {
      kind: 'bpe',
      legacy: false,
      addBos: false,
      addSpacePrefix: false,
      bosId: BOS,
      eosIds: [END],
      tokenCount: FIRST_BYTE_TOKEN + 256,
      addedTokens: [{ id: END, content: '</s>', special: true, lstrip: false, rstrip: false }],
    },
    vision: {
      sidePx: 112,
      patchPx: 14,
      aspect: 'pad',
      gridPinpoints: [],
      mergeType: 'flat',
      keepsClassToken: false,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    },
    wrapsImageInStartEnd: false,
  };
  const tokenizer: Tokenizer = {
    settings: description.tokenizer,
    encodePlain: (text) => Array.from(new TextEncoder().encode(text), (byte) => byte + FIRST_BYTE_TOKEN),
    pieceBytes: (token) =>
      token >= FIRST_BYTE_TOKEN ? Uint8Array.of(token - FIRST_BYTE_TOKEN) : new Uint8Array(),
  };
  return {
    engine: new EchoEngine({ limits, imageRows: 64, slices: 2, endToken: END }),
    tokenizer,
    description,
  };
}

// The model around the echo engine: a byte tokenizer, an encoder of zeros and a description, so that prompt assembly, scheduling
// and the HTTP side work exactly as with a real model.
import type { ModelDescription, VisionSettings } from '../../model/description.js';
import { EchoEngine } from '../engine/echo-engine.js';
import type { EngineLimits } from '../engine/engine.js';
import { toTokenId } from '../ids.js';
import type { Tokenizer } from '../prompt/tokenizer.js';
import { EchoEncoder } from '../vision/echo-encoder.js';

const BOS = 1;
const END = 2;
const CONTROL_SPELLINGS = ['<unk>', '<s>', '</s>'];
/** Byte b is token b + 3. */
const FIRST_BYTE_TOKEN = 3;
const PARTS = 2;

const VISION: VisionSettings = {
  sidePx: 112,
  patchPx: 14,
  aspect: 'pad',
  gridPinpoints: [],
  mergeType: 'flat',
  keepsClassToken: false,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
};

export interface EchoModel {
  readonly engine: EchoEngine;
  readonly encoder: EchoEncoder;
  readonly tokenizer: Tokenizer;
  readonly description: ModelDescription;
}

export function createEchoModel(limits: EngineLimits): EchoModel {
  const description: ModelDescription = {
    architecture: 'LlavaLlamaForCausalLM',
    contextTokens: limits.contextTokens,
    template: 'vicuna_v1',
    templateReason: 'an echo has no training',
    tokenizer: {
      kind: 'bpe',
      legacy: false,
      addBos: false,
      addSpacePrefix: false,
      removesExtraWhitespace: false,
      bosId: BOS,
      eosIds: [END],
      tokenCount: FIRST_BYTE_TOKEN + 256,
      addedTokens: [{ id: END, content: '</s>', special: true, lstrip: false, rstrip: false }],
      spellings: { bos: null, eos: '</s>', unknown: null, pad: null },
    },
    vision: VISION,
    wrapsImageInStartEnd: false,
  };
  const tokenizer: Tokenizer = {
    settings: description.tokenizer,
    encodePlain: (text) =>
      Array.from(new TextEncoder().encode(text), (byte) => toTokenId(byte + FIRST_BYTE_TOKEN)),
    spelling: (token) =>
      token >= FIRST_BYTE_TOKEN
        ? `<0x${(token - FIRST_BYTE_TOKEN).toString(16).toUpperCase().padStart(2, '0')}>`
        : (CONTROL_SPELLINGS[token] ?? ''),
    pieceBytes: (token) =>
      token >= FIRST_BYTE_TOKEN ? Uint8Array.of(token - FIRST_BYTE_TOKEN) : new Uint8Array(),
  };
  return {
    engine: new EchoEngine(limits, toTokenId(END)),
    encoder: new EchoEncoder(VISION, PARTS),
    tokenizer,
    description,
  };
}

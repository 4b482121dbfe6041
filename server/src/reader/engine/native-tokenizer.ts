// llama.cpp's vocabulary behind the interface of prompt assembly.
import type { TokenizerSettings } from '../../model/description.js';
import type { LanguageModel } from '../../native/language-model.js';
import { toTokenId } from '../ids.js';
import type { Tokenizer } from '../prompt/tokenizer.js';

const NO_BYTES = new Uint8Array();

export function createNativeTokenizer(model: LanguageModel, settings: TokenizerSettings): Tokenizer {
  const added = new Map(
    settings.addedTokens.map((token) => [
      toTokenId(token.id),
      token.special ? NO_BYTES : new TextEncoder().encode(token.content),
    ]),
  );
  // Added tokens may lie beyond what llama.cpp's vocabulary has.
  const spellings = new Map(settings.addedTokens.map(({ id, content }) => [toTokenId(id), content]));
  return {
    settings,
    encodePlain: (text) => model.tokenize(text).map(toTokenId),
    spelling: (token) => spellings.get(token) ?? model.spelling(token),
    pieceBytes: (token) => added.get(token) ?? model.pieceBytes(token),
  };
}

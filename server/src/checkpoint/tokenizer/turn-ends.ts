// Tokens that end a turn, known by their spelling. llama.cpp finds them the same way where a GGUF file does not name its end of turn
// (src/llama-vocab.cpp, "maintain a list of tokens that cause end-of-generation"), because converters before 2024-05 had no key for it.
import type { AddedToken } from '../../model/description.js';

/** Llama 3, whose end-of-text token ends documents. */
export const LLAMA_3_TURN_END = '<|eot_id|>';
/** ChatML: Yi, Hermes, Qwen. */
export const CHATML_TURN_END = '<|im_end|>';

export const PHI_3_TURN_END = '<|end|>';
/** What a Phi-3 has beside each other and nothing else of the Llama family has. */
const PHI_3_TOKENS = ['<|user|>', '<|assistant|>', PHI_3_TURN_END];

/** The others are ends of OpenChat, Gemma, of GPT-like models and of Llama 3's tool calls. */
const TURN_ENDS = new Set([
  LLAMA_3_TURN_END,
  CHATML_TURN_END,
  PHI_3_TURN_END,
  '<|end_of_turn|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '<|end_of_text|>',
  '<|eom_id|>',
  '<EOT>',
]);

export const isTurnEnd = (spelling: string): boolean => TURN_ENDS.has(spelling);

/** Whether the added tokens are those of Phi-3. */
export function isPhi3(tokens: readonly Pick<AddedToken, 'content'>[]): boolean {
  return PHI_3_TOKENS.every((spelling) => tokens.some(({ content }) => content === spelling));
}

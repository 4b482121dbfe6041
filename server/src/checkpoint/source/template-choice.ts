// Which conversation template a checkpoint was trained with, by evidence inside it. A key `conversation_template` in config.json always
// wins, then a chat template that was made for this model. The reference goes by the model's name; names get changed, so a name only tells the
// two published families apart that nothing else tells apart. A chat template of the tokenizer is that of the language model from which
// LLaVA was made: where LLaVA was trained with a format of its own over such models, that format stays.
import type { TemplateName, TemplateSource } from '../../model/description.js';
import type { OwnTemplate } from '../tokenizer/own-template.js';
import type { TokenizerData } from '../tokenizer/read-tokenizer.js';
import { CHATML_TURN_END, isPhi3 } from '../tokenizer/turn-ends.js';
import type { TextFamily } from './text-hyperparameters.js';

export interface TemplateEvidence {
  /** `conversation_template` of config.json. */
  readonly configured: TemplateName | null;
  readonly family: TextFamily;
  readonly tokenizer: Pick<TokenizerData, 'eosContent' | 'settings'>;
  /** The chat template that the checkpoint or its tokenizer has. */
  readonly own: OwnTemplate | null;
  /** Folder or repository name, and what config.json says it was made from. */
  readonly names: readonly string[];
}

/** Llama 3 is the first Llama with byte-level BPE. Its vocabulary has 128,256 tokens; those that were cut down keep its headers. */
const LLAMA_3_TOKENS = 128_256;
const LLAMA_3_HEADER = '<|start_header_id|>';

export interface TemplateChoice {
  readonly template: TemplateSource;
  /** For people, without a full stop. */
  readonly reason: string;
}

interface FixedChoice {
  readonly template: TemplateName;
  readonly reason: string;
}

/** What the chat templates of the language models have in them over which LLaVA was trained with each format. */
const MARKS_OF_BASE: Partial<Record<TemplateName, string>> = {
  // Over Vicuna, whose tokenizer has no chat template, and over Llama 2 and Mistral, whose tokenizers have one.
  llava_v1: '[INST]',
  llava_llama_2: '[INST]',
  mistral_instruct: '[INST]',
  chatml_direct: '<|im_start|>',
  llava_llama_3: '<|start_header_id|>',
  phi_3: '<|end|>',
};

export function chooseTemplate(evidence: TemplateEvidence): TemplateChoice {
  const { configured, own } = evidence;
  if (configured !== null)
    return { template: configured, reason: 'config.json names it as conversation_template' };
  if (own?.isForThisModel === true) return { template: jinjaOf(own), reason: 'the model has one of its own' };
  const fixed = chooseFixed(evidence);
  if (own === null) return fixed;
  const mark = MARKS_OF_BASE[fixed.template];
  if (mark !== undefined && own.jinja.includes(mark))
    return {
      ...fixed,
      reason: `${fixed.reason}; the chat template in ${own.place} is that of the language model and not used`,
    };
  return {
    template: jinjaOf(own),
    reason: `${own.place} has one, and it is not that of a known language model under LLaVA`,
  };
}

const jinjaOf = ({ jinja, place }: OwnTemplate): TemplateSource => ({ jinja, place });

function chooseFixed({ family, tokenizer, names }: TemplateEvidence): FixedChoice {
  const { settings, eosContent } = tokenizer;
  const endsWithChatml =
    eosContent === CHATML_TURN_END ||
    settings.addedTokens.some(
      ({ id, content }) => content === CHATML_TURN_END && settings.eosIds.includes(id),
    );
  if (endsWithChatml) return { template: 'chatml_direct', reason: `answers end with ${CHATML_TURN_END}` };
  if (isPhi3(settings.addedTokens))
    return { template: 'phi_3', reason: 'the tokenizer has <|user|>, <|assistant|> and <|end|> of Phi-3' };
  // A Mistral that was trained in Vicuna's format, against all other evidence.
  if (names.some((name) => /bakllava/i.test(name)))
    return { template: 'llava_v1', reason: 'the name says BakLLaVA, a Mistral trained in this format' };
  if (family === 'mistral')
    return { template: 'mistral_instruct', reason: 'the language model is a Mistral' };
  const spellings = new Set(settings.addedTokens.map(({ content }) => content));
  if (settings.kind === 'bpe' && (settings.tokenCount >= LLAMA_3_TOKENS || spellings.has(LLAMA_3_HEADER)))
    return { template: 'llava_llama_3', reason: 'the tokenizer is that of Llama 3' };
  if (names.some((name) => /llava-llama-2/i.test(name)))
    return { template: 'llava_llama_2', reason: 'the name says llava-llama-2' };
  return { template: 'llava_v1', reason: 'the usual one of Llama models: nothing points to another' };
}

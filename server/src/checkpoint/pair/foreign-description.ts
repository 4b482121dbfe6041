// A ModelDescription for a GGUF pair that someone else wrote, from the standard keys and from the vocabulary. What neither says is taken
// from the published model that such a pair is most likely made of; what was concluded, and from what, is kept in words.
import type { ModelDescription, TemplateSource } from '../../model/description.js';
import { TEMPLATE_KEY } from '../convert/model-metadata.js';
import type { GgufFile } from '../gguf/gguf-file.js';
import { chooseTemplate } from '../source/template-choice.js';
import type { TextFamily } from '../source/text-hyperparameters.js';
import type { OwnTemplate } from '../tokenizer/own-template.js';
import { foreignTokenizer, tokenizerKind } from './foreign-tokenizer.js';
import { foreignVision } from './foreign-vision.js';
import type { VisionModel } from './vision-model.js';

/** The width of Mistral's feed-forward beside 4096 features: no Llama of that width has 8 KV heads and this. */
const MISTRAL_FEED_FORWARD = 14_336;

interface ForeignDescription {
  readonly description: ModelDescription;
  /** See ForeignTokenizer. */
  readonly preTokenizer: string | null;
  readonly conclusions: readonly string[];
  readonly warnings: readonly string[];
}

/** @throws CheckpointError checkpoint.unsupported, checkpoint.malformed */
export function describeForeignPair(
  model: GgufFile,
  projector: { readonly file: GgufFile; readonly vision: VisionModel } | null,
): ForeignDescription {
  const { family, reason } = familyOf(model);
  const legacy = family === 'mistral';
  const tokenizer = foreignTokenizer(model, legacy);
  const { template, reason: templateReason } = chooseTemplate({
    configured: null,
    family,
    tokenizer,
    names: [model.string('general.name') ?? ''],
    own: ownTemplate(model),
  });
  const vision = projector === null ? null : foreignVision(projector.file, projector.vision);
  const contextKey = 'llama.context_length';
  return {
    description: {
      architecture: family === 'mistral' ? 'LlavaMistralForCausalLM' : 'LlavaLlamaForCausalLM',
      contextTokens: model.require(model.number(contextKey), contextKey),
      template,
      templateReason,
      tokenizer: tokenizer.settings,
      vision: vision?.settings ?? null,
      wrapsImageInStartEnd: false,
    },
    preTokenizer: tokenizer.preTokenizer,
    conclusions: [
      `the language model is a ${family === 'mistral' ? 'Mistral' : 'Llama'}: ${reason}`,
      ...tokenizer.conclusions,
      ...(vision?.conclusions ?? []),
    ],
    warnings: [
      `${model.name} was not written by this program: template ${templateText(template)} (${templateReason}) and ${legacy ? 'legacy' : 'new'} tokenisation are assumed. TAKEOFF_CHAT_TEMPLATE overrides the template.`,
      ...tokenizer.warnings,
    ],
  };
}

function ownTemplate(model: GgufFile): OwnTemplate | null {
  const jinja = model.string(TEMPLATE_KEY);
  return jinja === undefined || jinja.trim() === ''
    ? null
    : { jinja, place: TEMPLATE_KEY, isForThisModel: false };
}

const templateText = (template: TemplateSource): string =>
  typeof template === 'string' ? template : `of ${template.place}`;

function familyOf(model: GgufFile): { readonly family: TextFamily; readonly reason: string } {
  const name = model.string('general.name') ?? '';
  if (/mistral|bakllava/i.test(name)) return { family: 'mistral', reason: `general.name is ${name}` };
  const feedForward = model.number('llama.feed_forward_length');
  if (tokenizerKind(model) === 'sentencepiece' && feedForward === MISTRAL_FEED_FORWARD)
    return {
      family: 'mistral',
      reason: `llama.feed_forward_length is ${MISTRAL_FEED_FORWARD}, with SentencePiece`,
    };
  return { family: 'llama', reason: 'nothing points to Mistral' };
}

// What is allowed in a request and hardly meant: each answer tells it in its metadata, and the log once. The sentences repeat nothing of a
// prompt, because they stand in the log.
import type { GenerateRequest } from 'takeoff-wire';
import type { PromptPart } from '../../../link/requests/messages.js';

/** One list for each prompt of the request, in its order. */
export type PromptWarnings = readonly (readonly string[])[];

/** `prompts` without their real image tags and with what is left of them as text. */
export function warningsOf(
  request: GenerateRequest,
  prompts: readonly (readonly PromptPart[])[],
): PromptWarnings {
  const ofAll = samplingWarnings(request);
  return prompts.map((parts) => (parts.some(looksLikeTag) ? [...ofAll, TAG_AS_TEXT] : ofAll));
}

const TAG_AS_TEXT =
  'The prompt has <image>, or an image tag that is none (with blanks, capital letters, without a scheme or without its end). The model reads it as text. An uploaded image stands in front of its prompt by itself; another one is named by <image:URL>, without blanks.';

/** `<image>`, and what comes near to `<image:URL>`. Nothing in it reaches over a `<`, so that it takes one pass. */
const LIKE_A_TAG = /<\s*image\s*(?:>|:[^<>]*>|:\s*https?:)/iu;

const looksLikeTag = (part: PromptPart): boolean => part.kind === 'text' && LIKE_A_TAG.test(part.text);

/** Takeoff's default of sampling_topk makes the other fields idle, which users of other servers do not expect. */
function samplingWarnings(request: GenerateRequest): readonly string[] {
  const { sampling_temperature: temperature, sampling_topp: topP, sampling_topk: topK } = request;
  if (topK != null) return [];
  const idle = [
    ...(temperature != null && temperature > 0 ? ['sampling_temperature'] : []),
    ...(topP != null && topP > 0 && topP < 1 ? ['sampling_topp'] : []),
  ];
  if (idle.length === 0) return [];
  const verb = idle.length === 1 ? 'has' : 'have';
  return [
    `${idle.join(' and ')} ${verb} no effect without sampling_topk, whose default of 1 always takes the likeliest token. Set sampling_topk, such as to 50, or to 0 for all tokens.`,
  ];
}

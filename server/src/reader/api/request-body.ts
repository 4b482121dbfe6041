// One prompt as the body of a request to a cluster: a conversation as messages, since the cluster has the template of its model, and a raw
// prompt as a completion. What the cluster would ignore or do otherwise is refused by name, so that nobody gets another answer than asked for.
import { InputError } from '../../errors.js';
import type {
  Conversation,
  GenerateMessage,
  ImagePayload,
  Prompt,
  PromptPart,
  RawPrompt,
  SamplingParameters,
} from '../../link/requests/messages.js';
import type { ApiDialect } from '../../model/api-dialect.js';
import { constraintFields } from './constraint-fields.js';
import { DIALECTS, type Endpoint, type SpecialField } from './dialects.js';

/** What is known of the cluster. */
export interface ClusterFacts {
  readonly model: string;
  readonly dialect: ApiDialect;
  /** Positions of prompt and answer together; null where the cluster does not tell. */
  readonly contextTokens: number | null;
}

export interface ClusterQuestion {
  readonly endpoint: Endpoint;
  readonly body: string;
}

/** @param index of the prompt in its request @throws InputError request.not_supported */
export function writeQuestion(
  message: GenerateMessage,
  index: number,
  cluster: ClusterFacts,
): ClusterQuestion {
  const prompt = message.prompts[index];
  const endpoint: Endpoint = prompt?.kind === 'conversation' ? 'chat' : 'completions';
  validateRequest(message, cluster.dialect);
  const fields = {
    model: cluster.model,
    ...(prompt === undefined ? {} : promptFields(prompt, message.images)),
    ...samplingFields(message.sampling, index, { ...cluster, endpoint }),
    ...(message.constraint === null ? {} : constraintFields(message.constraint, cluster.dialect, endpoint)),
    ...(message.cacheSalt === null
      ? {}
      : special('cache_salt', message.cacheSalt, { dialect: cluster.dialect, endpoint })),
    stream: true,
    stream_options: { include_usage: true },
  };
  return { endpoint, body: JSON.stringify(fields) };
}

function validateRequest(
  { promptMaxTokens, imageTokenBudget, sampling }: GenerateMessage,
  dialect: ApiDialect,
): void {
  if (promptMaxTokens !== null) throw unsupported('prompt_max_tokens', promptMaxTokens, dialect);
  if (imageTokenBudget !== null && imageTokenBudget !== 'full')
    throw unsupported('image_token_budget', imageTokenBudget, dialect);
  const { noRepeatNgramSize } = sampling;
  if (noRepeatNgramSize !== 0) throw unsupported('no_repeat_ngram_size', noRepeatNgramSize, dialect);
}

const promptFields = (prompt: Prompt, images: readonly ImagePayload[]) =>
  prompt.kind === 'conversation' ? { messages: messagesOf(prompt, images) } : { prompt: rawText(prompt) };

function messagesOf({ system, turns }: Conversation, images: readonly ImagePayload[]): readonly unknown[] {
  const spoken = turns.map(({ role, parts }) => ({ role, content: contentOf(parts, images) }));
  return system === null ? spoken : [{ role: 'system', content: system }, ...spoken];
}

/** A plain string where there is no image: some templates take nothing else. */
function contentOf(parts: readonly PromptPart[], images: readonly ImagePayload[]): unknown {
  if (parts.every((part) => part.kind === 'text')) return parts.map(({ text }) => text).join('');
  return parts.map((part) =>
    part.kind === 'text'
      ? { type: 'text', text: part.text }
      : { type: 'image_url', image_url: { url: dataUrl(images[part.image]) } },
  );
}

const dataUrl = (image: ImagePayload | undefined): string =>
  `data:image/png;base64,${Buffer.from(image?.tiles ?? new Uint8Array()).toString('base64')}`;

function rawText({ parts }: RawPrompt): string {
  return parts
    .map((part) => {
      if (part.kind === 'text') return part.text;
      throw new InputError(
        'request.not_supported',
        'The prompt is raw and has an image; the cluster behind this reader takes images in conversations only. Set use_chat_template to true, without the words of a template in the text.',
        { details: { field: 'use_chat_template' } },
      );
    })
    .join('');
}

interface Place extends Pick<ClusterFacts, 'dialect'> {
  readonly endpoint: Endpoint;
}

/** Greedy is temperature 0 for every server, whatever else the request says. */
function samplingFields(sampling: SamplingParameters, index: number, place: Place & ClusterFacts): object {
  const { temperature, topK, topP, minP, seed } = sampling;
  const isGreedy = temperature === 0 || topK === 1 || topP === 0;
  const drawn = isGreedy
    ? { temperature: 0 }
    : {
        temperature,
        ...(topP === 1 ? {} : { top_p: topP }),
        ...(topK >= WHOLE_VOCABULARY ? {} : special('top_k', topK, place)),
        ...(minP === 0 ? {} : special('min_p', minP, place)),
        ...(seed === null ? {} : { seed: (seed + index) % SEED_END }),
      };
  return {
    ...drawn,
    ...penaltyFields(sampling, place),
    ...lengthFields(sampling, place),
    ...logprobFields(sampling, place),
  };
}

/** More tokens than any vocabulary has: what a request that restricts nothing has for top_k. */
const WHOLE_VOCABULARY = 1_000_000;
const SEED_END = 2 ** 32;

const penaltyFields = (
  { repetitionPenalty, frequencyPenalty, presencePenalty, logitBias }: SamplingParameters,
  place: Place,
): object => ({
  ...(repetitionPenalty === 1 ? {} : special('repetition_penalty', repetitionPenalty, place)),
  ...(frequencyPenalty === 0 ? {} : { frequency_penalty: frequencyPenalty }),
  ...(presencePenalty === 0 ? {} : special('presence_penalty', presencePenalty, place)),
  ...(logitBias.length === 0
    ? {}
    : special('logit_bias', Object.fromEntries(logitBias.map(({ token, bias }) => [token, bias])), place)),
});

function lengthFields(
  { maxNewTokens, minNewTokens, stop }: SamplingParameters,
  { dialect, endpoint, contextTokens }: Place & ClusterFacts,
): object {
  const canMin = DIALECTS[dialect].fields[endpoint].has('min_tokens');
  // An answer of one token at least is the native API's default: where it cannot be asked for, an empty answer is no breach worth refusing.
  if (!canMin && minNewTokens > 1) throw unsupported('min_tokens', minNewTokens, dialect);
  const isToTheEnd =
    endpoint === 'chat' &&
    DIALECTS[dialect].isUnboundedByDefault &&
    contextTokens !== null &&
    maxNewTokens >= contextTokens;
  return {
    // More than fits, some servers refuse instead of ending the answer where the context ends.
    ...(isToTheEnd ? {} : { max_tokens: maxNewTokens }),
    ...(canMin && minNewTokens > 0 ? { min_tokens: minNewTokens } : {}),
    // OpenAI's limit; the reader looks for all of them in what comes.
    ...(stop.length === 0 ? {} : { stop: stop.slice(0, MAX_STOPS) }),
  };
}

const MAX_STOPS = 4;

function logprobFields({ topLogprobs }: SamplingParameters, place: Place): object {
  if (topLogprobs === null) return {};
  if (place.endpoint === 'completions') return special('logprobs', topLogprobs, place);
  return { ...special('logprobs', true, place), top_logprobs: topLogprobs };
}

/** @throws InputError where the cluster would ignore it */
function special(field: SpecialField, value: unknown, { dialect, endpoint }: Place): object {
  if (DIALECTS[dialect].fields[endpoint].has(field)) return { [field]: value };
  throw unsupported(field, value, dialect);
}

/** What the native API calls fields that have another name there. */
const NATIVE_NAMES: Readonly<Record<string, string>> = {
  top_k: 'sampling_topk',
  min_tokens: 'min_new_tokens',
};
const MAX_SHOWN_CHARACTERS = 40;

function unsupported(field: string, value: unknown, dialect: ApiDialect): InputError {
  const native = NATIVE_NAMES[field];
  const name = native === undefined ? field : `${field} (${native})`;
  const shown = field === 'cache_salt' ? 'set' : JSON.stringify(value).slice(0, MAX_SHOWN_CHARACTERS);
  return new InputError(
    'request.not_supported',
    `${name} is ${shown}, which the cluster behind this reader (${dialect}) cannot do. Leave it out; the operator's setting api_dialect says what the cluster is.`,
    { details: { field } },
  );
}

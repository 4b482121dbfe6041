// What the parsers of all endpoints make of a body, and the part of it that is the same for each.
import type { ImageTokenBudget } from '../../../model/image-token-budget.js';
import type { InferenceJob } from '../../answer/inference.js';
import { validateCacheSalt } from '../connection/cache-salt.js';

type ParsedJob = Omit<InferenceJob, 'consumerGroup'>;

export interface ParsedRequest {
  /** What the request calls its model. */
  readonly model: string | null;
  readonly job: ParsedJob;
  readonly delivery: 'buffered' | 'streamed';
}

/** Fields that all endpoints have. */
interface SharedFields {
  readonly model?: string | null | undefined;
  readonly stream?: boolean | null | undefined;
  readonly cache_salt?: string | null | undefined;
  readonly image_token_budget?: ImageTokenBudget | null | undefined;
}

/** @throws InputError request.out_of_range */
export const toParsedRequest = (
  { model, stream, cache_salt: salt, image_token_budget: imageTokenBudget = null }: SharedFields,
  asked: Pick<ParsedJob, 'prompts' | 'images' | 'sampling' | 'constraint'>,
): ParsedRequest => ({
  model: model ?? null,
  job: {
    ...asked,
    promptMaxTokens: null,
    imageTokenBudget,
    cacheSalt: validateCacheSalt(salt),
    loraId: null,
  },
  delivery: stream === true ? 'streamed' : 'buffered',
});

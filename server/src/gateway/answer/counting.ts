// Counts what the prompts of a request take in the model that would answer them, without answering them and without a place in the queue.
// Images are fetched and decoded as for an answer, because how many rows one takes follows from its size.
import type { ImageSize, PromptCount } from '../../link/requests/questions.js';
import type { Intake } from '../intake/intake.js';
import { prepareAll } from '../intake/prepare-all.js';
import {
  groupFailed,
  groupNotReady,
  unknownGroup,
  type ConsumerGroup,
  type ConsumerGroups,
} from './consumer-group.js';
import { takesNoImages, type InferenceJob } from './inference.js';
import type { ReaderQuestions } from './reader-questions.js';

export interface CountingOptions {
  readonly groups: ConsumerGroups;
  readonly questions: ReaderQuestions;
  readonly intake: Intake;
}

export type CountedJob = Pick<
  InferenceJob,
  'consumerGroup' | 'prompts' | 'images' | 'promptMaxTokens' | 'imageTokenBudget' | 'loraId'
>;

export interface CountedPrompts {
  /** Rows that prompt and answer may have together. */
  readonly contextTokens: number;
  /** Of each prompt of the job, in its order. */
  readonly counts: readonly PromptCount[];
}

export class Counting {
  readonly #options: CountingOptions;

  constructor(options: CountingOptions) {
    this.#options = options;
  }

  /**
   * @throws InputError, FetchError for what the request cannot be answered for either
   * @throws CapacityError, ReaderError when no reader of the group is live
   */
  async count(job: CountedJob, signal: AbortSignal): Promise<CountedPrompts> {
    const { groups, questions } = this.#options;
    const { consumerGroup: name, prompts, promptMaxTokens, imageTokenBudget, loraId } = job;
    const group = groups.find(name);
    if (group === undefined) throw unknownGroup(name);
    // Before images are prepared, and before the group is asked for its vision, which would wait for a reader.
    const { isReady, failure } = group.view();
    if (failure !== null) throw groupFailed(name, failure);
    if (!isReady) throw groupNotReady(name);
    const images = await this.#sizesOf(job, group, signal);
    const question = { kind: 'count' as const, prompts, images, promptMaxTokens, imageTokenBudget };
    return questions.askGroup(name, question, loraId);
  }

  async #sizesOf(
    { images, loraId }: CountedJob,
    group: ConsumerGroup,
    signal: AbortSignal,
  ): Promise<ImageSize[]> {
    if (images.length === 0) return [];
    const vision = await group.vision(signal, loraId);
    if (vision === null) throw takesNoImages(group.name);
    const use = { form: vision.settings, cacheSalt: null };
    const prepared = await prepareAll(this.#options.intake, images, use, signal);
    return prepared.map(({ widthPx, heightPx }) => ({ widthPx, heightPx }));
  }
}

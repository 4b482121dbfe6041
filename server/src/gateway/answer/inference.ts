// A request's way through the gateway: its group must be able to answer, its place in the queue is taken, its images are fetched
// and decoded for the model that will see them, a reader answers, and a reader that dies before anything was shown is replaced.
// Whatever happens, each prompt ends in exactly one terminal event, unless the client is gone or the request failed before its
// first event.
import { InputError, TakeoffError } from '../../errors.js';
import type {
  Constraint,
  GenerateMessage,
  ImagePayload,
  Prompt,
  SamplingParameters,
} from '../../link/requests/messages.js';
import type { ImageTokenBudget } from '../../model/image-token-budget.js';
import { draining } from '../draining.js';
import type { ImageSource } from '../intake/image-source.js';
import type { Intake } from '../intake/intake.js';
import { prepareAll } from '../intake/prepare-all.js';
import type { StallLimits } from '../stall-limits.js';
import type { Admission } from './admission.js';
import { unknownGroup, type ConsumerGroup, type ConsumerGroups, type Submission } from './consumer-group.js';
import { GuardedGroup } from './guarded-group.js';
import { OpenAnswers } from './open-answers.js';
import { relayWithReplacement } from './relay-with-replacement.js';
import type { AnswerEvent, RequestRecord } from './request-record.js';
import { joinFlags, StopFlag, type JoinedFlags } from './stop-flag.js';

export interface InferenceJob {
  readonly consumerGroup: string;
  readonly prompts: readonly Prompt[];
  /** What the prompts show, by index; each is prepared once. */
  readonly images: readonly ImageSource[];
  readonly promptMaxTokens: number | null;
  /** Tokens of each image at most; null: what the reader is set to. */
  readonly imageTokenBudget: ImageTokenBudget | null;
  readonly cacheSalt: string | null;
  /** An adapter of the group's readers; null means none. */
  readonly loraId: string | null;
  readonly sampling: SamplingParameters;
  /** What the texts of all answers must be; null means any text. */
  readonly constraint: Constraint | null;
}

/** A request of a group that exists, when its answer is over. */
export interface EndedRequest {
  readonly consumerGroup: string;
  readonly promptCount: number;
  readonly record: RequestRecord;
  /** Of what it or its first prompt failed with; null where nothing failed. */
  readonly failureCode: string | null;
}

export interface InferenceOptions {
  readonly groups: ConsumerGroups;
  readonly admission: Admission;
  readonly intake: Intake;
  readonly limits: StallLimits;
  readonly newRequestId: () => string;
  /** Told of every request whose group exists, when its answer is over. */
  readonly onEnd?: (ended: EndedRequest) => void;
}

/** Who an answer is for. */
export interface Recipient {
  readonly clientGone: StopFlag;
  /**
   * Called when all events so far count no more, because another reader answers anew. Null where events are shown as they come: then
   * an answer that had begun ends with its reader.
   */
  readonly takeBack: (() => void) | null;
  /** Gets to know what the request's time goes into. */
  readonly record: RequestRecord;
}

export class Inference {
  readonly openAnswers = new OpenAnswers();
  readonly #options: InferenceOptions;
  readonly #shutdown = new StopFlag();
  readonly #guards = new WeakMap<ConsumerGroup, GuardedGroup>();

  constructor(options: InferenceOptions) {
    this.#options = options;
  }

  /**
   * The events of all prompts, ended by one terminal event each. Ends early and silently when the client is gone.
   * @throws InputError, CapacityError, ReaderError before the first event, or after the last `takeBack`
   */
  async *answer(
    job: InferenceJob,
    { clientGone, takeBack, record }: Recipient,
  ): AsyncGenerator<AnswerEvent, void, undefined> {
    const { admission, limits, onEnd } = this.#options;
    const shutdown = this.#shutdown;
    const leaveAnswers = this.openAnswers.enter();
    const stop = joinFlags(clientGone, shutdown);
    let leaveQueue: (() => void) | undefined;
    let failureCode: string | null = null;
    let isKnownGroup = false;
    try {
      if (shutdown.isRaised) throw draining();
      const group = this.#group(job.consumerGroup);
      isKnownGroup = true;
      // Before any wait, so that requests which wait for a reader are bounded too.
      leaveQueue = admission.enter(group.name);
      const submission = await this.#prepare(job, group, record, stop);
      if (clientGone.isRaised) return;
      const answerAnew = takeBack === null ? null : () => forgetAnswer(record, takeBack);
      const { hear: onEvent } = record;
      const relayed = { group, submission, limits, onEvent, clientGone, shutdown, takeBack: answerAnew };
      for await (const event of relayWithReplacement(relayed)) yield record.complete(event);
    } catch (error) {
      // What a departed client's request ends with is nobody's failure.
      if (clientGone.isRaised) return;
      failureCode = error instanceof TakeoffError ? String(error.code) : 'server.internal';
      throw error;
    } finally {
      if (isKnownGroup) onEnd?.(endedRequest(job, record, failureCode));
      stop.release();
      leaveQueue?.();
      leaveAnswers();
    }
  }

  /** Ends what is open with a terminal event each, and refuses what comes. */
  endAll(): void {
    this.#shutdown.raise();
  }

  /** @throws CapacityError group.unavailable */
  #group(name: string): ConsumerGroup {
    const group = this.#options.groups.find(name);
    if (group === undefined) throw unknownGroup(name);
    const guarded = this.#guards.get(group) ?? new GuardedGroup(group);
    this.#guards.set(group, guarded);
    return guarded;
  }

  async #prepare(
    job: InferenceJob,
    group: ConsumerGroup,
    record: RequestRecord,
    stop: JoinedFlags,
  ): Promise<Submission> {
    const { intake, newRequestId } = this.#options;
    try {
      // Asked for requests without images, too: a group that cannot answer says so here.
      const known = group.knownVision(job.loraId);
      const vision = known === undefined ? await group.vision(stop.signal, job.loraId) : known;
      if (job.images.length === 0) {
        return { message: toMessage(job, [], newRequestId()), preparedFor: null };
      }
      if (vision === null) throw takesNoImages(group.name);
      const images = await record.whileDecodingImages(() =>
        prepareAll(intake, job.images, { form: vision.settings, cacheSalt: job.cacheSalt }, stop.signal),
      );
      return { message: toMessage(job, images, newRequestId()), preparedFor: vision.key };
    } catch (error) {
      if (this.#shutdown.isRaised) throw draining();
      throw error;
    }
  }
}

const endedRequest = (
  { consumerGroup, prompts }: InferenceJob,
  record: RequestRecord,
  failureCode: string | null,
): EndedRequest => ({
  consumerGroup,
  promptCount: prompts.length,
  record,
  failureCode: failureCode ?? record.errorCode,
});

function forgetAnswer(record: RequestRecord, takeBack: () => void): void {
  record.beginAnew();
  takeBack();
}

export const takesNoImages = (group: string): InputError =>
  new InputError(
    'request.model_takes_no_images',
    `The model of consumer group ${JSON.stringify(group)} does not accept images. Use /generate, or a group with a model that does.`,
  );

function toMessage(job: InferenceJob, images: readonly ImagePayload[], requestId: string): GenerateMessage {
  const { prompts, promptMaxTokens, imageTokenBudget, cacheSalt, loraId, sampling, constraint } = job;
  return {
    kind: 'generate',
    requestId,
    prompts,
    images,
    promptMaxTokens,
    imageTokenBudget,
    cacheSalt,
    loraId,
    sampling,
    constraint,
  };
}

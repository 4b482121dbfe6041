// A request's way through the gateway: its group must be live, its place in the queue is taken, its images are fetched and
// decoded for the model that will see them, a reader answers, and a reader that dies before it said anything is replaced once.
// Whatever happens, each prompt ends in exactly one terminal event, unless the client is gone or the request failed before its
// first event.
import { setMaxListeners } from 'node:events';
import { CapacityError, InputError } from '../../errors.js';
import type { ReaderCard } from '../../link/lifecycle/messages.js';
import type {
  GenerateMessage,
  ImagePayload,
  Prompt,
  RequestEvent,
  SamplingParameters,
} from '../../link/requests/messages.js';
import type { ImageSource } from '../intake/image-source.js';
import type { Intake } from '../intake/intake.js';
import { prepareAll } from '../intake/prepare-all.js';
import type { Admission } from './admission.js';
import { joinSignals } from './joined-signals.js';
import { OpenAnswers } from './open-answers.js';
import type { LiveReader, ReaderRegistry } from '../readers/registry.js';
import { relayWithReplacement } from './relay-with-replacement.js';
import type { StallLimits } from './stall-watchdog.js';

export interface InferenceJob {
  readonly consumerGroup: string;
  readonly prompts: readonly Prompt[];
  /** What the prompts show, by index; each is prepared once. */
  readonly images: readonly ImageSource[];
  readonly promptMaxTokens: number | null;
  readonly sampling: SamplingParameters;
}

export interface InferenceOptions {
  readonly registry: ReaderRegistry;
  readonly admission: Admission;
  readonly intake: Intake;
  readonly limits: StallLimits;
  /** Groups whose requests wait for a reader instead of being refused. */
  readonly reservedGroups: readonly string[];
  readonly newRequestId: () => string;
}

const RETRY_AFTER_MS = 1_000;

export class Inference {
  readonly openAnswers = new OpenAnswers();
  readonly #options: InferenceOptions;
  readonly #shutdown = new AbortController();

  constructor(options: InferenceOptions) {
    this.#options = options;
    // One listener for each open request; Node warns of more than ten as of a leak.
    setMaxListeners(0, this.#shutdown.signal);
  }

  /**
   * The events of all prompts, ended by one terminal event each. Ends early and silently when the client is gone.
   * @throws InputError, CapacityError before the first event
   */
  async *answer(job: InferenceJob, clientGone: AbortSignal): AsyncGenerator<RequestEvent, void, undefined> {
    const leaveAnswers = this.openAnswers.enter();
    const stop = joinSignals(clientGone, this.#shutdown.signal);
    let leaveQueue: (() => void) | undefined;
    try {
      if (this.#shutdown.signal.aborted) throw draining();
      // Before any wait, so that requests which wait for a reader are bounded too.
      leaveQueue = this.#options.admission.enter(job.consumerGroup);
      const reader = await this.#findReader(job, stop.signal);
      if (clientGone.aborted) return;
      const images = await this.#prepareImages(job, reader.card, stop.signal);
      const message = toMessage(job, images, this.#options.newRequestId());
      yield* relayWithReplacement({
        registry: this.#options.registry,
        group: job.consumerGroup,
        preparedFor: reader.card,
        message,
        limits: this.#options.limits,
        clientGone,
        shutdown: this.#shutdown.signal,
        stopWaiting: stop.signal,
      });
    } finally {
      stop.release();
      leaveQueue?.();
      leaveAnswers();
    }
  }

  /** Ends what is open with a terminal event each, and refuses what comes. */
  endAll(): void {
    this.#shutdown.abort();
  }

  async #findReader(job: InferenceJob, stopWaiting: AbortSignal): Promise<LiveReader> {
    const { registry, reservedGroups, limits } = this.#options;
    const group = job.consumerGroup;
    const reader = reservedGroups.includes(group)
      ? await registry.waitForLive(group, anyCard, limits.firstTokenTimeoutMs, stopWaiting)
      : registry.pickLive(group);
    if (reader === undefined) throw this.#unavailable(group);
    if (job.images.length > 0 && reader.card.vision === null) {
      throw new InputError(
        'request.model_takes_no_images',
        `The model of consumer group ${JSON.stringify(group)} does not accept images. Use /generate, or a group with a model that does.`,
      );
    }
    return reader;
  }

  #unavailable(group: string): CapacityError {
    if (this.#shutdown.signal.aborted) return draining();
    const isKnown = this.#options.registry.groups.includes(group);
    return new CapacityError(
      'group.unavailable',
      isKnown
        ? `The reader of consumer group ${JSON.stringify(group)} is not ready to process requests yet. /status shows when it is live.`
        : `No reader serves consumer group ${JSON.stringify(group)}. /status lists the groups of this server.`,
      RETRY_AFTER_MS,
    );
  }

  async #prepareImages(
    { images }: InferenceJob,
    { vision }: ReaderCard,
    signal: AbortSignal,
  ): Promise<readonly ImagePayload[]> {
    if (vision === null) return [];
    try {
      return await prepareAll(this.#options.intake, images, vision, signal);
    } catch (error) {
      if (this.#shutdown.signal.aborted) throw draining();
      throw error;
    }
  }
}

const anyCard = (): boolean => true;

const draining = (): CapacityError =>
  new CapacityError(
    'server.draining',
    'The server is shutting down and takes no new requests.',
    RETRY_AFTER_MS,
  );

function toMessage(job: InferenceJob, images: readonly ImagePayload[], requestId: string): GenerateMessage {
  const { prompts, promptMaxTokens, sampling } = job;
  return { kind: 'generate', requestId, prompts, images, promptMaxTokens, sampling };
}

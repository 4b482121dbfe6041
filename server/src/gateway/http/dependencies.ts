// What the HTTP surface needs of the rest of the gateway: pictures made ready, requests dispatched to readers, and the slice of
// the configuration that decides about requests. It neither decodes pictures nor knows readers.
import type { StatusResponse } from 'takeoff-wire';
import type { ServerConfig } from '../../config/server-settings.js';
import type { GenerateMessage, ImagePayload, ReaderCard, RequestEvent } from '../../link/messages.js';
import type { VisionSettings } from '../../model/description.js';

export interface Intake {
  /**
   * Judges, decodes and tiles one uploaded picture. Type and name that a client declared are never looked at.
   * @throws InputError image.*, CapacityError image.decoder_busy, or the signal's reason
   */
  prepare(bytes: Uint8Array, vision: VisionSettings, signal: AbortSignal): Promise<ImagePayload>;
}

/** What a request to a reader says beyond the names that the dispatcher gives it. */
export type DispatchRequest = Omit<GenerateMessage, 'kind' | 'requestId'>;

/** Readers as anybody may see them; the ports are added by the HTTP surface. */
export type MaskedStatus = Omit<StatusResponse, 'ports'>;

export interface Dispatcher {
  /**
   * The model that a request of this group would reach. A promise where requests of the group wait for a reader.
   * @throws CapacityError group.unavailable, server.not_ready, server.draining
   */
  card(consumerGroup: string, signal: AbortSignal): ReaderCard | Promise<ReaderCard>;
  /**
   * Exactly one terminal event for each prompt, then the end. Leaving the loop or aborting the signal cancels in the reader.
   * @throws CapacityError before any event
   */
  dispatch(consumerGroup: string, request: DispatchRequest, signal: AbortSignal): AsyncIterable<RequestEvent>;
  status(): MaskedStatus;
  isReady(): boolean;
}

export interface HttpDependencies {
  readonly intake: Intake;
  readonly dispatcher: Dispatcher;
  /** The ports of all servers of this process, as /status lists them; known once they listen. */
  listeningPorts(): readonly number[];
}

/** Times that protect against clients which send slowly; not configuration, but tests shorten them. */
export interface RequestDeadlines {
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the last of its body. */
  readonly requestTimeoutMs: number;
}

export interface HttpSettings extends Pick<
  ServerConfig,
  'bodySizeLimitBytes' | 'maxPromptStringBytes' | 'maxUserBatchSize' | 'allowRemoteImages' | 'logLevel'
> {
  readonly deadlines?: RequestDeadlines;
}

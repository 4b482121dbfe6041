// The readers of this gateway as status pages and health checks see them. Nothing here starts, ends or asks a reader.
import type { ReaderCounts } from '../../link/lifecycle/reader-counts.js';
import type { GroupView } from '../answer/consumer-group.js';
import type { ReaderState } from './reader-state.js';

export interface ReaderView {
  readonly readerId: string;
  readonly consumerGroups: readonly string[];
  readonly modelName: string;
  readonly device: string;
  /** Answers that it may generate at the same time. */
  readonly maxBatchSize: number;
  /** Adapters that requests may name while it is live. */
  readonly loras: readonly string[];
  readonly state: ReaderState;
  /** Undefined while no process runs. */
  readonly pid: number | undefined;
  /** Prompts that it has and that have not ended. */
  readonly openPrompts: number;
  /** Milliseconds since 1970 at its last sign of life; null while its process has given none. */
  readonly lastHeartbeatMs: number | null;
  /** How often it was started again after it had died. */
  readonly restarts: number;
}

/** A reader as metrics see it. */
export interface CountedReader extends Pick<
  ReaderView,
  'readerId' | 'consumerGroups' | 'state' | 'restarts'
> {
  /** From its last heartbeat; null before the first one of a life. */
  readonly counts: ReaderCounts | null;
}

/** What a gateway counts of its way to the readers of a group on other machines. Totals begin with the gateway. */
export interface LinkCounts {
  readonly consumerGroup: string;
  /** Requests of all gateways that wait for a reader. */
  readonly queued: number;
  /** Of this gateway's. */
  readonly oldestWaitMs: number;
  /** Requests with images that went to a reader which has them, and others. */
  readonly placed: number;
  readonly shared: number;
  readonly resubmitted: number;
  readonly gaps: number;
  readonly unknownRuns: number;
  readonly badMessages: number;
}

export interface ReadersView {
  readers(): readonly ReaderView[];
  groups(): readonly GroupView[];
}

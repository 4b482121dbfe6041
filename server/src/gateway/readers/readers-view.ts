// The readers of this gateway as status pages and health checks see them. Nothing here starts, ends or asks a reader.
import type { ReaderCounts } from '../../link/lifecycle/reader-counts.js';
import type { GroupView } from '../answer/consumer-group.js';
import type { ReaderState } from './reader-state.js';

export interface ReaderView {
  readonly readerId: string;
  readonly consumerGroup: string;
  readonly modelName: string;
  readonly device: string;
  /** As configured. */
  readonly maxBatchSize: number;
  readonly state: ReaderState;
  /** Undefined while no process runs. */
  readonly pid: number | undefined;
  /** Prompts that it has and that have not ended. */
  readonly openPrompts: number;
}

/** A reader as metrics see it. */
export interface CountedReader extends Pick<ReaderView, 'readerId' | 'consumerGroup' | 'state'> {
  /** How often it was started again after it had ended by itself. */
  readonly restarts: number;
  /** From its last heartbeat; null before the first one of a life. */
  readonly counts: ReaderCounts | null;
}

export interface ReadersView {
  readers(): readonly ReaderView[];
  groups(): readonly GroupView[];
}

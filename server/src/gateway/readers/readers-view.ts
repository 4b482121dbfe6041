// The readers of this gateway as status pages and health checks see them. Nothing here starts, ends or asks a reader.
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

export interface ReadersView {
  readers(): readonly ReaderView[];
  groups(): readonly GroupView[];
}

// What every API needs that was not made for this server.
import type { ReadersView } from '../../readers/readers-view.js';
import type { AnswerOptions } from '../connection/answer-job.js';

export interface ForeignApiOptions extends AnswerOptions {
  readonly readers: ReadersView;
  /** Of the program. */
  readonly version: string;
}

// What a response puts out: one item, whole or as the events that build it. All of them go the same way: text comes in, in parts or
// whole; then the item ends.
import type { TokenLogprob } from '../../../../link/requests/messages.js';

/** An event of a stream without its number. */
export type ItemEvent = readonly [type: string, fields: object];

export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

export interface OutputItem {
  /** Before the first text. */
  begin(): readonly ItemEvent[];
  /** Takes the next part of the answer's text in. */
  push(text: string, logprobs: readonly TokenLogprob[]): readonly ItemEvent[];
  /** Behind the last text. */
  end(status: ItemStatus): readonly ItemEvent[];
  /** The item as it is now; none where the text did not get as far. */
  items(status: ItemStatus): readonly object[];
}

/** A response has one item. */
export const OUTPUT_INDEX = 0;

// Why an answer ended, in the words of OpenAI, which others have taken over.
import type { FinishReason } from 'takeoff-wire';

/** A cancelled answer has nobody to be told to. */
export const finishReasonOf = (reason: FinishReason): 'stop' | 'length' =>
  reason === 'length' ? 'length' : 'stop';

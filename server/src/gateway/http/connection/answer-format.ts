// How an API writes the answers of one request. Together with its parsing (body to job) and its error body this is all that an
// API has of its own: running the job, streaming and failing are the same for all of them.
import type { TokenEvent, TokenLogprob } from '../../../link/requests/messages.js';
import type { FinishedEvent } from '../../answer/request-record.js';
import type { PublicError } from './public-error.js';

/** What one prompt of a request was answered. */
export interface PromptAnswer extends Pick<
  FinishedEvent,
  'usage' | 'finishReason' | 'constraintMs' | 'timings'
> {
  readonly text: string;
  /** Of all its tokens; none unless the request asked for them. */
  readonly logprobs: readonly TokenLogprob[];
}

/** What streams of an API have in common. */
export interface StreamForm {
  readonly contentType: string;
  /** What tells that the stream is alive, and nothing else. */
  stillWorking(): string;
}

export interface AnswerFormat {
  readonly stream: StreamForm;
  /** The JSON body of a buffered answer. `answers` are those of all prompts, in the order of the request. */
  body(answers: readonly PromptAnswer[]): unknown;
  /** What an event adds to a streamed answer; empty where it adds nothing. */
  chunk(event: TokenEvent | FinishedEvent): string;
  /** The last words of a stream that fails after its first event. */
  failureChunk(error: PublicError): string;
  /** What error messages call a prompt, such as `text[1]`; null where the request has only one. */
  placeOf(prompt: number): string | null;
}

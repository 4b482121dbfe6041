// The request protocol between gateway and reader: what is asked, and the events that answer it. The same on child IPC and on a
// queue between machines, so nothing here is secret, and nothing refers to a file or a process of either side. A change that an
// older process would misread raises REQUESTS_VERSION; each side says which it speaks when a reader starts.
import type { ErrorCode, FinishReason } from 'takeoff-wire';
import type { ImageTokenBudget } from '../../model/image-token-budget.js';
import type { AskMessage } from './questions.js';

export const REQUESTS_VERSION = 9;

/** How the answers of one request are made, all defaults filled in and all ranges validated by the gateway. */
export interface SamplingParameters {
  /** 0 means greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** 1 means greedy. */
  readonly topK: number;
  /** Least probability of a token, as a share of that of the most probable one. 0 means none. */
  readonly minP: number;
  /** 1 means none. */
  readonly repetitionPenalty: number;
  /** Taken from the logit of a token for each time that it is in the answer already. 0 means none. */
  readonly frequencyPenalty: number;
  /** Taken from the logit of a token that is in the answer already. 0 means none. */
  readonly presencePenalty: number;
  /** What is added to the logits of tokens before anything else. */
  readonly logitBias: readonly TokenBias[];
  /** 0 means off. */
  readonly noRepeatNgramSize: number;
  readonly maxNewTokens: number;
  readonly minNewTokens: number;
  /** Whole number from 0 below 2^32 that the draws of the first answer follow from, and those of the others from the next ones. */
  readonly seed: number | null;
  /** Texts that end an answer and are no part of it. */
  readonly stop: readonly string[];
  /** How many alternatives are told with the log probability of each token; null where none is told. */
  readonly topLogprobs: number | null;
}

export interface TokenBias {
  readonly token: number;
  readonly bias: number;
}

/** One image, ready for the vision tower, or whole for a model elsewhere. */
export interface ImagePayload {
  /** SHA-256 of the uploaded bytes, lower-case hex; computed by us, never taken from a client. */
  readonly sha256: string;
  /** Size of the oriented image before preprocessing, which decides the un-padding. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** Of a tile; null: the image is whole. */
  readonly sidePx: number | null;
  /** [tiles, sidePx, sidePx, 3] u8 RGB, row-major, base view first; of a whole image a PNG file without metadata. */
  readonly tiles: Uint8Array;
}

/** A text in order: what the user typed, and places where an image of the request stands. */
export type PromptPart =
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'image'; readonly image: number };

/** One turn of a conversation. */
export interface Turn {
  readonly role: 'user' | 'assistant';
  readonly parts: readonly PromptPart[];
}

/** Goes to the model as it is. */
export interface RawPrompt {
  readonly kind: 'raw';
  readonly parts: readonly PromptPart[];
}

/** Rendered with the model's chat template. Turns alternate, the first is the user's; the model answers after the last one. */
export interface Conversation {
  readonly kind: 'conversation';
  /** Null takes the system text that the template brings, where it has one. */
  readonly system: string | null;
  readonly turns: readonly Turn[];
}

/** What one answer is asked for. */
export type Prompt = RawPrompt | Conversation;

/** What the texts of all answers must be. The reader refuses what it cannot enforce, and names it by `field`. */
export type Constraint =
  | JsonSchemaConstraint
  /** A regular expression in Takeoff's dialect, of the whole answer. */
  | { readonly kind: 'regex'; readonly field: string; readonly pattern: string }
  /** One of these texts. */
  | { readonly kind: 'choices'; readonly field: string; readonly choices: readonly string[] }
  /** A call of one of these functions: `{"name": …, "arguments": …}`. */
  | {
      readonly kind: 'function_call';
      readonly field: string;
      readonly functions: readonly CallableFunction[];
    };

export interface JsonSchemaConstraint {
  readonly kind: 'json_schema';
  /** Where it stands in its request, such as `response_format.json_schema.schema`; no slash is in it. */
  readonly field: string;
  /** As JSON. */
  readonly schema: string;
}

export interface CallableFunction {
  readonly name: string;
  /** Of its arguments. */
  readonly parameters: JsonSchemaConstraint;
}

/** A request for one or more answers over the same images. Answered by exactly one terminal event per prompt. */
export interface GenerateMessage {
  readonly kind: 'generate';
  readonly requestId: string;
  readonly prompts: readonly Prompt[];
  readonly images: readonly ImagePayload[];
  /** Text of each prompt is cut to its first promptMaxTokens tokens; null means no cut. */
  readonly promptMaxTokens: number | null;
  /** Rows of each image at most; null: what the reader is set to. */
  readonly imageTokenBudget: ImageTokenBudget | null;
  /** What is kept of this request is used by requests of the same salt only; null: by those without one. */
  readonly cacheSalt: string | null;
  /** Name of the adapter of the reader that the answers go through; null means the model as it is. */
  readonly loraId: string | null;
  readonly sampling: SamplingParameters;
  /** Null means any text. */
  readonly constraint: Constraint | null;
}

/** The client went away: the request's sequences end as cancelled before the next step. */
export interface CancelMessage {
  readonly kind: 'cancel';
  readonly requestId: string;
}

/** To the reader. */
export type RequestMessage = GenerateMessage | CancelMessage | AskMessage;

export interface Usage {
  /** Rows of the prompt, images included. */
  readonly promptTokens: number;
  readonly imageTokens: number;
  /** Part of promptTokens: rows that were in the KV cache already. */
  readonly cachedTokens: number;
  readonly generatedTokens: number;
}

/** What a reader spent on a prompt, in milliseconds. The times do not overlap; the rest of its time the prompt waited. */
export interface WorkTimes {
  /** Until the features of its images were there: they were encoded, other images before them included. */
  readonly visionMs: number;
  /** Until the rows of its prompt were computed, or taken over from another prompt. */
  readonly prefillMs: number;
  /** From its first token to its end. */
  readonly decodeMs: number;
}

/** A token of the vocabulary and its natural log probability, before penalties, temperature and cuts. */
export interface RankedToken {
  /** What the token adds to the text; may end inside a character. Empty for special tokens. */
  readonly bytes: Uint8Array;
  readonly logprob: number;
}

/** A token of an answer. */
export interface TokenLogprob extends RankedToken {
  /** The most probable tokens in its place, best first. */
  readonly top: readonly RankedToken[];
}

export interface TokenEvent {
  readonly kind: 'token';
  readonly requestId: string;
  /** Index of the prompt in its request. */
  readonly prompt: number;
  readonly text: string;
  /** Of the tokens of the text, where the request asked for them. A token that ends inside a character has them before its text. */
  readonly logprobs?: readonly TokenLogprob[];
}
export interface DoneEvent {
  readonly kind: 'done';
  readonly requestId: string;
  readonly prompt: number;
  readonly finishReason: FinishReason;
  readonly usage: Usage;
  /** How long the prompt waited for its constraint to be compiled; absent where it had none. */
  readonly constraintMs?: number;
  readonly times: WorkTimes;
}
export interface ErrorEvent {
  readonly kind: 'error';
  readonly requestId: string;
  readonly prompt: number;
  readonly code: ErrorCode;
  readonly message: string;
  /** Of the request, where the error is about one. */
  readonly field?: string;
}

/** From the reader. */
export type RequestEvent = TokenEvent | DoneEvent | ErrorEvent;

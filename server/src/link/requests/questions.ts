// What a gateway asks a reader beside answers of its model: what texts are as tokens, how conversations are rendered, how many rows a
// prompt takes; and the one thing that it asks to be done, other adapters. A reader answers without giving the question a place in its queue. Part of the request protocol and of its version.
import type { ErrorCode } from 'takeoff-wire';
import type { ImageTokenBudget } from '../../model/image-token-budget.js';
import type { Conversation, Prompt } from './messages.js';

/** Of an oriented image, before preprocessing. */
export interface ImageSize {
  readonly widthPx: number;
  readonly heightPx: number;
}

export type Question =
  /** The tokens of texts, one text after the other, each encoded as a prompt of its own. Images take one token for each of their rows. */
  | {
      readonly kind: 'tokenize';
      readonly prompts: readonly Prompt[];
      readonly images: readonly ImageSize[];
      readonly skipsSpecialTokens: boolean;
    }
  /** The text of tokens, by their ids or by their spellings. */
  | {
      readonly kind: 'detokenize';
      readonly tokens: readonly string[] | readonly number[];
      readonly skipsSpecialTokens: boolean;
    }
  | {
      readonly kind: 'render';
      readonly conversations: readonly Pick<Conversation, 'system' | 'turns'>[];
      /** Whether each ends where the model's answer would begin. */
      readonly opensAnswer: boolean;
    }
  /** How many rows each prompt takes. `promptMaxTokens` and `imageTokenBudget` as in a request. */
  | {
      readonly kind: 'count';
      readonly prompts: readonly Prompt[];
      readonly images: readonly ImageSize[];
      readonly promptMaxTokens: number | null;
      readonly imageTokenBudget: ImageTokenBudget | null;
    }
  /** The config.json that came with the model. */
  | { readonly kind: 'model_config' }
  /** Have these LoRA adapters, by the names that requests use, and no others. Requests that were sent before end with those that they have. */
  | { readonly kind: 'adapters'; readonly loras: Readonly<Record<string, string>> };

/** The kind of answer says which question it answers. */
export type Answer =
  | { readonly kind: 'tokenize'; readonly tokens: readonly string[] }
  | { readonly kind: 'detokenize'; readonly text: string }
  | { readonly kind: 'render'; readonly texts: readonly string[] }
  | { readonly kind: 'count'; readonly contextTokens: number; readonly counts: readonly PromptCount[] }
  /** As JSON; null where none came with the model. */
  | { readonly kind: 'model_config'; readonly json: string | null }
  /** The names that requests may use now. */
  | { readonly kind: 'adapters'; readonly loras: readonly string[] };

export interface PromptCount {
  /** Rows of the prompt, images included. */
  readonly promptTokens: number;
  readonly imageTokens: number;
}

/** To the reader, which says exactly one `answer` or `refusal` to it. */
export interface AskMessage {
  readonly kind: 'ask';
  readonly requestId: string;
  readonly question: Question;
}

export interface AnswerEvent {
  readonly kind: 'answer';
  readonly requestId: string;
  readonly answer: Answer;
}

export interface RefusalEvent {
  readonly kind: 'refusal';
  readonly requestId: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** From the reader. */
export type AnswerToQuestion = AnswerEvent | RefusalEvent;

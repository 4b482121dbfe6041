// What one prompt's events say in the words of the API.
import type { GenerationMetadata } from 'takeoff-wire';
import type { DoneEvent } from '../../../link/requests/messages.js';

export const metadataOf = ({ usage, finishReason }: DoneEvent): GenerationMetadata => ({
  prompt_tokens: usage.promptTokens,
  image_tokens: usage.imageTokens,
  generated_tokens: usage.generatedTokens,
  finish_reason: finishReason,
});

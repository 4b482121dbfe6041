// Calls of tools and their results as text of a conversation, since templates of LLaVA models know no other way to tell of them.
import type { PromptPart } from '../../../link/requests/messages.js';

/** How a call stands in the text of a conversation. */
export const callAsText = (name: string, args: string): PromptPart => ({
  kind: 'text',
  text: `${name}(${args})`,
});

export const resultAsText = (name: string, result: string): PromptPart => ({
  kind: 'text',
  text: `Result of ${name}: ${result}`,
});

// Calls of tools and their results as text of a conversation, since templates of LLaVA models know no other way to tell of them.
import type { PromptPart } from '../../../link/requests/messages.js';
import { isNestedDeeper } from '../connection/nesting.js';
import { invalidField } from './fields.js';

/** Nobody calls a tool with more, and writing JSON is a recursion. */
const MAX_NESTING = 128;

/** How a call stands in the text of a conversation. */
export const callAsText = (name: string, args: string): PromptPart => ({
  kind: 'text',
  text: `${name}(${args})`,
});

export const resultAsText = (name: string, result: string): PromptPart => ({
  kind: 'text',
  text: `Result of ${name}: ${result}`,
});

export const failureAsText = (name: string, failure: string): PromptPart => ({
  kind: 'text',
  text: `Error of ${name}: ${failure}`,
});

/**
 * Arguments that stand in a request as an object.
 * @throws InputError request.field_invalid
 */
export function argumentsAsText(args: object, field: string): string {
  if (isNestedDeeper(args, MAX_NESTING))
    throw invalidField(field, args, `one that is nested ${MAX_NESTING} deep at most`);
  return JSON.stringify(args);
}

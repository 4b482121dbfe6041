// What the fields of a request bind its answers to, all of them together.
import type { Constraint } from '../../../../link/requests/messages.js';
import { boundAlready } from './guided-fields.js';
import type { RequiredCall } from '../../input/required-call.js';

export interface AskedForms {
  /** Of the text, in the words of OpenAI. */
  readonly format: Constraint | null;
  /** Of the text, in those of vLLM. */
  readonly guided: Constraint | null;
  readonly call: RequiredCall | null;
}

/**
 * Null where any text will do. A call that is required leaves no text that could have a format, as with OpenAI.
 * @throws InputError request.not_supported
 */
export function constraintOf({ format, guided, call }: AskedForms): Constraint | null {
  if (guided !== null && call !== null) throw boundAlready(guided.field, 'tool_choice');
  if (guided !== null && format !== null) throw boundAlready(guided.field, format.field);
  return guided ?? call?.constraint ?? format;
}

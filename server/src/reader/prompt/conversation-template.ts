// What turns a conversation into pieces: one of the fixed templates of LLaVA, or a chat template in Jinja (chat-template.ts).
import type { Conversation } from '../../link/requests/messages.js';
import type { TemplateName } from '../../model/description.js';
import type { PromptPiece } from './pieces.js';
import { renderTemplate, stopStringsOf } from './templates.js';

export interface ConversationTemplate {
  /**
   * `opensAnswer`: whether it ends where the model's answer begins; by default when the last turn is the user's.
   * @throws InputError request.template_failed
   */
  render(conversation: Pick<Conversation, 'system' | 'turns'>, opensAnswer?: boolean): readonly PromptPiece[];
  /** Texts that end an answer besides the tokenizer's own end tokens; they are not part of the answer. */
  readonly stopStrings: readonly string[];
}

export const namedTemplate = (name: TemplateName, wrapsImageInStartEnd: boolean): ConversationTemplate => ({
  render: (conversation, opensAnswer) =>
    renderTemplate(name, conversation, wrapsImageInStartEnd, opensAnswer),
  stopStrings: stopStringsOf(name),
});

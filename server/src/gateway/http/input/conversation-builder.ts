// Gathers the messages of a request into the conversation of the link: one system text, and turns that alternate between user and
// assistant. Messages of one side that follow each other become one turn, a line break between their texts.
import { InputError } from '../../../errors.js';
import type { Conversation, PromptPart, Turn } from '../../../link/requests/messages.js';
import type { HttpLimits } from '../connection/http-limits.js';
import { validateTextBytes } from '../connection/text-bytes.js';

/**
 * Images behind all text go in front of it: most programs write the question first, while LLaVA models were trained with the image
 * first. Images between texts stay where they are.
 */
export function imagesFirst(parts: readonly PromptPart[]): readonly PromptPart[] {
  const lastText = parts.findLastIndex(({ kind }) => kind === 'text');
  const firstImage = parts.findIndex(({ kind }) => kind === 'image');
  if (firstImage < lastText) return parts;
  return [...parts.slice(lastText + 1), ...parts.slice(0, lastText + 1)];
}

/** Far beyond what any context holds; keeps the time of a request in proportion. */
export const MAX_MESSAGES = 4096;

interface OpenTurn {
  readonly role: Turn['role'];
  readonly parts: PromptPart[];
}

export class ConversationBuilder {
  readonly #systemTexts: string[] = [];
  readonly #turns: OpenTurn[] = [];

  /** Wherever in the request it stands, a system text belongs to the whole conversation. */
  addSystem(text: string): void {
    this.#systemTexts.push(text);
  }

  add(role: Turn['role'], parts: readonly PromptPart[]): void {
    // Every template begins with the user. A program that greets first has the greeting follow an empty turn.
    if (this.#turns.length === 0 && role === 'assistant') this.#turns.push({ role: 'user', parts: [] });
    const last = this.#turns.at(-1);
    const turn = last?.role === role ? last : { role, parts: [] };
    if (turn !== last) this.#turns.push(turn);
    for (const part of parts) {
      if (part.kind === 'text' && turn.parts.at(-1)?.kind === 'text')
        turn.parts.push({ kind: 'text', text: `\n${part.text}` });
      else turn.parts.push(part);
    }
  }

  /**
   * @param field of the list of messages
   * @throws InputError request.field_invalid, request.prompt_too_large
   */
  finish(field: string, limits: HttpLimits): Conversation {
    // A system text alone is answered, as OpenAI does.
    if (this.#turns.length === 0) this.#turns.push({ role: 'user', parts: [] });
    if (this.#turns.at(-1)?.role === 'assistant') {
      throw new InputError(
        'request.field_invalid',
        `${field} ends with a message of the role assistant; it must end with one of the role user, which is what gets an answer.`,
        { details: { field } },
      );
    }
    const system = this.#systemTexts.length === 0 ? null : this.#systemTexts.join('\n\n');
    const texts = this.#turns.flatMap(({ parts }) =>
      parts.map((part) => (part.kind === 'text' ? part.text : '')),
    );
    validateTextBytes([system ?? '', ...texts], field, limits);
    // Some programs send a question and its image as two messages.
    const turns = this.#turns.map(({ role, parts }) => ({ role, parts: imagesFirst(parts) }));
    return { kind: 'conversation', system, turns };
  }
}

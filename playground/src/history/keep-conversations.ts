// Moves conversations between the page and the database: keeps the one on the page whenever an answer has ended, brings one back.
import { effect, signal } from '@preact/signals';
import {
  conversationId,
  image,
  isAnswering,
  removeImage,
  sentImage,
  stopAll,
  takeImage,
  turns,
} from '../ask/conversation.js';
import { randomId } from '../ask/random-id.js';
import { isOpen, type Turn, type TurnState } from '../ask/turn.js';
import { keep, openDatabase } from './conversation-store.js';
import type { KeptConversation, KeptTurn } from './kept-conversation.js';

export function keepConversations(): void {
  openDatabase().catch(() => undefined);
  effect(() => {
    if (isAnswering.value || turns.value.length === 0) return;
    const ended = turns.value.filter(({ state }) => !isOpen(state.peek()));
    const [first] = ended;
    if (first === undefined) return;
    // A browser that keeps nothing, as in a private window, takes nothing away from the page.
    keep({
      id: conversationId.peek(),
      changedMs: Date.now(),
      imageName: image.peek()?.name ?? '',
      image: image.peek()?.file ?? null,
      turns: ended.map(keptTurn),
    }).catch(() => undefined);
  });
}

const keptTurn = ({ question, answer }: Turn): KeptTurn => ({
  question: question.text,
  answer: answer.peek(),
  options: { ...question.options },
});

/** Puts a kept conversation in place of the one on the page. */
export async function bringBack({ id, image: kept, imageName, turns: old }: KeptConversation): Promise<void> {
  stopAll();
  turns.value = [];
  removeImage();
  if (kept !== null) await takeImage(kept, imageName);
  conversationId.value = id;
  const sent = await sentImage();
  turns.value = old.map(({ question, answer, options }) => ({
    id: randomId(),
    question: { text: question, options, image: sent.kind === 'ready' ? sent.image : null },
    state: signal<TurnState>({ kind: 'kept' }),
    answer: signal(answer),
  }));
}

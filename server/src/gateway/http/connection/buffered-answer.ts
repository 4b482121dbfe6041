// Collects all events of a request into one answer for each prompt.
import { Defect } from '../../../errors.js';
import type { DoneEvent, RequestEvent } from '../../../link/requests/messages.js';
import type { AnswerFormat, PromptAnswer } from './answer-format.js';
import { errorOfEvent } from './public-error.js';

/**
 * Undefined when the client is gone and nobody reads an answer.
 * @throws the error of the first prompt that failed; the others are cancelled
 */
export async function bufferedAnswer(
  events: AsyncIterable<RequestEvent>,
  promptCount: number,
  format: AnswerFormat,
  clientGone: AbortSignal,
): Promise<readonly PromptAnswer[] | undefined> {
  const texts = Array.from({ length: promptCount }, () => '');
  const ends = new Map<number, DoneEvent>();
  for await (const event of events) {
    if (event.kind === 'error') throw errorOfEvent(event, format.placeOf(event.prompt));
    if (event.kind === 'token') texts[event.prompt] = (texts[event.prompt] ?? '') + event.text;
    else ends.set(event.prompt, event);
  }
  if (clientGone.aborted) return undefined;
  return texts.map((text, prompt) => {
    const end = ends.get(prompt);
    if (end === undefined) {
      throw new Defect(`A request ended with ${ends.size} of ${promptCount} terminal events.`);
    }
    const { usage, finishReason } = end;
    return { text, usage, finishReason };
  });
}

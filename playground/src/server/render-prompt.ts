// Asks the server how the model's chat template renders a question. Servers that have no such endpoint are told apart by its absence.
import { askServer, group, status } from './server.js';
import { isRecord } from './parse-status.js';

export type Rendered =
  | { readonly kind: 'rendered'; readonly text: string }
  | { readonly kind: 'unavailable'; readonly reason: string };

export async function renderPrompt(question: string): Promise<Rendered> {
  const reader = status.value?.readers.find(
    ({ consumer_groups, state }) => consumer_groups.includes(group.value) && state === 'live',
  );
  if (reader === undefined) return unavailable('No reader is ready.');
  const body = { inputs: [[{ role: 'user', content: question }]], add_generation_prompt: true };
  try {
    const answer = await askServer(
      `/chat_template/${encodeURIComponent(reader.reader_id)}`,
      JSON.stringify(body),
    );
    const messages = isRecord(answer.body) ? answer.body['messages'] : undefined;
    const text: unknown = Array.isArray(messages) ? messages[0] : undefined;
    if (typeof text === 'string') return { kind: 'rendered', text };
    return unavailable(
      answer.status === 404
        ? 'This server does not show rendered prompts.'
        : 'The server could not render it.',
    );
  } catch {
    return unavailable('The server cannot be reached.');
  }
}

const unavailable = (reason: string): Rendered => ({ kind: 'unavailable', reason });

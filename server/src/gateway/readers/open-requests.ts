// The requests a reader works on, and which of their prompts have not ended. Whatever the reader says, each prompt gets exactly
// one terminal event: events of unknown requests and of prompts that have ended are dropped, a lost reader ends all.
import type { GenerateMessage, RequestEvent } from '../../link/requests/messages.js';
import type { SubmissionListener } from '../answer/consumer-group.js';

interface OpenRequest {
  readonly listener: SubmissionListener;
  readonly openPrompts: Set<number>;
}

export class OpenRequests {
  readonly #requests = new Map<string, OpenRequest>();
  #promptCount = 0;

  /** Prompts without a terminal event. */
  get promptCount(): number {
    return this.#promptCount;
  }

  add(message: GenerateMessage, listener: SubmissionListener): void {
    this.#requests.set(message.requestId, { listener, openPrompts: new Set(message.prompts.keys()) });
    this.#promptCount += message.prompts.length;
  }

  has(requestId: string): boolean {
    return this.#requests.has(requestId);
  }

  deliver(event: RequestEvent): void {
    const request = this.#requests.get(event.requestId);
    if (!request?.openPrompts.has(event.prompt)) return;
    if (event.kind !== 'token') this.#endPrompt(request, event);
    request.listener.onEvent(event);
  }

  loseAll(reason: string): void {
    const lost = [...this.#requests.values()];
    const death = { reason, requestIds: [...this.#requests.keys()] };
    this.#requests.clear();
    this.#promptCount = 0;
    for (const { listener } of lost) listener.onEnd({ kind: 'lost', death });
  }

  #endPrompt({ openPrompts }: OpenRequest, { requestId, prompt }: RequestEvent): void {
    openPrompts.delete(prompt);
    this.#promptCount -= 1;
    if (openPrompts.size === 0) this.#requests.delete(requestId);
  }
}

import type { GenerateMessage, RequestEvent } from '../../link/requests/messages.js';
// The requests a reader works on, and which of their prompts have not ended. Whatever the reader says, each prompt gets exactly
// one terminal event: events of unknown requests and of prompts that have ended are dropped, a lost reader ends all.

/** Who waits for the events of a request. */
export interface RequestRoute {
  onEvent(event: RequestEvent): void;
  /** Called once, when prompts are still open and the reader is gone. */
  onReaderLost(reason: string): void;
}

interface OpenRequest {
  readonly route: RequestRoute;
  readonly openPrompts: Set<number>;
}

export class OpenRequests {
  readonly #requests = new Map<string, OpenRequest>();
  #promptCount = 0;

  /** Prompts without a terminal event. */
  get promptCount(): number {
    return this.#promptCount;
  }

  add(message: GenerateMessage, route: RequestRoute): void {
    this.#requests.set(message.requestId, { route, openPrompts: new Set(message.prompts.keys()) });
    this.#promptCount += message.prompts.length;
  }

  has(requestId: string): boolean {
    return this.#requests.has(requestId);
  }

  deliver(event: RequestEvent): void {
    const request = this.#requests.get(event.requestId);
    if (!request?.openPrompts.has(event.prompt)) return;
    if (event.kind !== 'token') this.#endPrompt(request, event);
    request.route.onEvent(event);
  }

  loseAll(reason: string): void {
    const lost = [...this.#requests.values()];
    this.#requests.clear();
    this.#promptCount = 0;
    for (const { route } of lost) route.onReaderLost(reason);
  }

  #endPrompt({ openPrompts }: OpenRequest, { requestId, prompt }: RequestEvent): void {
    openPrompts.delete(prompt);
    this.#promptCount -= 1;
    if (openPrompts.size === 0) this.#requests.delete(requestId);
  }
}

// A request that this reader has taken, under an id of its own. Nothing of it is told before the reader has asked whether it may begin:
// until then somebody else may have it.
import { randomBytes } from 'node:crypto';
import type { RequestEvent } from '../../link/requests/messages.js';
import { keysOf } from '../../link/redis/keys.js';
import type { EventItem, QueuedRequest } from '../../link/redis/messages.js';

/** Where a request was taken from. */
export interface TakenEntry {
  readonly group: string;
  readonly stream: string;
  readonly id: string;
  readonly request: QueuedRequest;
}

export type RunStage =
  /** The loop has it and has said nothing of it. */
  | 'accepted'
  /** Its first event has come, and Redis is being asked whether it may begin. */
  | 'beginning'
  /** It is this reader's to the end. */
  | 'begun'
  /** Somebody else has it, or nobody waits for it: what the loop still says is not told. */
  | 'dropped';

export class Run {
  readonly id = randomBytes(8).toString('hex');
  readonly entry: TakenEntry;
  /** Whether its gateway lives. Never fails. */
  readonly isWanted: Promise<boolean>;
  stage: RunStage = 'accepted';
  /** Events that wait for the answer to `beginning`. */
  held: RequestEvent[] = [];
  readonly #openPrompts: Set<number>;
  #seq = 0;

  constructor(entry: TakenEntry, isWanted: Promise<boolean>) {
    this.entry = entry;
    this.isWanted = isWanted;
    this.#openPrompts = new Set(entry.request.message.prompts.keys());
  }

  get gateway(): string {
    return this.entry.request.gateway;
  }

  /** Of the stream that its gateway reads. */
  get eventsKey(): string {
    return keysOf(this.entry.group).events(this.gateway);
  }

  /** Of the sign of life of its gateway. */
  get gatewayKey(): string {
    return keysOf(this.entry.group).gateway(this.gateway);
  }

  get requestId(): string {
    return this.entry.request.message.requestId;
  }

  get openPrompts(): number {
    return this.#openPrompts.size;
  }

  get isBeginning(): boolean {
    return this.stage === 'beginning';
  }

  /** Whether Redis holds it for this reader, as far as this reader knows. */
  get mayBeTaken(): boolean {
    return this.stage === 'accepted' || this.stage === 'beginning';
  }

  note({ kind, prompt }: RequestEvent): void {
    if (kind !== 'token') this.#openPrompts.delete(prompt);
  }

  /** Events that were told, or are about to be. */
  get saidCount(): number {
    return this.#seq;
  }

  /** Its next event, numbered. */
  tell(event: RequestEvent): EventItem {
    this.#seq += 1;
    return { kind: 'event', seq: this.#seq - 1, event };
  }
}

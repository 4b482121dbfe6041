// The events that Redis has had from one outbox, for as long as their gateway may lack them: a Redis that is lost takes with it what lies
// unread there. Old ones go, and the oldest where there are too many.
import { OUTAGE_MS } from '../../link/redis/leases.js';

/** An event as it is written. */
export interface SaidEvent {
  readonly text: string;
  readonly run: string;
  /** Of the events of its run, from 0. */
  readonly seq: number;
}

/** Some 50,000 tokens. When there are more, half of them stay. */
const MAX_CHARACTERS = 8 * 1024 * 1024;
/** A gateway that could read nothing for as long as what runs outlives Redis asks soon after that. */
const KEPT_MS = OUTAGE_MS + 10_000;

export class SentEvents {
  /** Oldest first. */
  #sent: { readonly said: SaidEvent; readonly sentMs: number }[] = [];
  #characters = 0;

  get isEmpty(): boolean {
    return this.#sent.length === 0;
  }

  add(events: readonly SaidEvent[]): void {
    const sentMs = performance.now();
    for (const said of events) {
      this.#sent.push({ said, sentMs });
      this.#characters += said.text.length;
    }
    if (this.#characters <= MAX_CHARACTERS) return;
    let characters = this.#characters;
    this.#keep(({ text }) => {
      const isTooOld = characters > MAX_CHARACTERS / 2;
      characters -= text.length;
      return !isTooOld;
    });
  }

  /** Takes the events of a run from this one on away. */
  take(run: string, seq: number): readonly SaidEvent[] {
    const isMissing = (said: SaidEvent): boolean => said.run === run && said.seq >= seq;
    const taken = this.#sent.flatMap(({ said }) => (isMissing(said) ? [said] : []));
    if (taken.length > 0) this.#keep((said) => !isMissing(said));
    return taken;
  }

  clear(): void {
    this.#keep(() => false);
  }

  /** To be called once a second. */
  forgetOld(): void {
    const sinceMs = performance.now() - KEPT_MS;
    if (this.#sent[0] !== undefined && this.#sent[0].sentMs <= sinceMs)
      this.#keep((_, sentMs) => sentMs > sinceMs);
  }

  #keep(isKept: (said: SaidEvent, sentMs: number) => boolean): void {
    this.#sent = this.#sent.filter(({ said, sentMs }) => isKept(said, sentMs));
    this.#characters = this.#sent.reduce((sum, { said }) => sum + said.text.length, 0);
  }
}

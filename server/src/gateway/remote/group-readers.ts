// The readers of one group as their leases tell: who is there, who is gone, who could take a request now. Judges nobody by a single look.
import type { Question } from '../../link/requests/questions.js';
import { parseReaderLease, type LeaseState, type ReaderLease } from '../../link/redis/leases.js';
import { identifyVision, type Vision } from '../answer/consumer-group.js';
import type { AnswerTo, QuestionOf } from '../answer/reader-questions.js';
import { OpenQuestions } from '../readers/open-questions.js';
import type { AnswerToQuestion, AskMessage } from '../../link/requests/questions.js';
import type { PlacementReader } from './placement.js';

export interface RemoteReaderView {
  readonly name: string;
  readonly lease: ReaderLease;
  /** Milliseconds since 1970 when a new beat of it was seen last. */
  readonly lastBeatMs: number;
  /** Null when it takes no images, or is not live. */
  readonly vision: Vision | null;
}

interface Known {
  readonly name: string;
  lease: ReaderLease;
  lastBeatMs: number;
  vision: Vision | null;
  tiles: ReadonlySet<string>;
  /** Prompts that were placed with it since it wrote its lease. */
  sentPrompts: number;
  misses: number;
  readonly questions: OpenQuestions;
}

/** Looks at a reader without a lease, one after the other, before it counts as gone. */
const MISSES_OF_A_DEAD_READER = 2;

export class GroupReaders {
  readonly #known = new Map<string, Known>();

  get all(): readonly RemoteReaderView[] {
    return [...this.#known.values()];
  }

  get live(): readonly RemoteReaderView[] {
    return this.all.filter(({ lease }) => lease.state.kind === 'live');
  }

  /** Of all readers, when they wrote their leases. */
  get openPrompts(): number {
    return this.all.reduce((sum, { lease }) => sum + lease.openPrompts, 0);
  }

  get leastBusyFirst(): readonly RemoteReaderView[] {
    return [...this.live].sort((a, b) => a.lease.openPrompts - b.lease.openPrompts);
  }

  /** The live reader that has least to do, of those with the adapter; null: of all. */
  leastBusy(loraId: string | null): RemoteReaderView | undefined {
    return this.leastBusyFirst.find(({ lease }) => loraId === null || lorasOf(lease.state).includes(loraId));
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  /**
   * Takes in what the leases of all names say; null is one that has ended.
   * @param mayJudge whether a reader without lease may count as gone
   * @returns the names of those that are gone
   */
  update(leases: ReadonlyMap<string, string | null>, mayJudge: boolean): readonly string[] {
    for (const [name, text] of leases) {
      const lease = text === null ? undefined : parseReaderLease(text);
      if (lease !== undefined) this.#renew(name, lease);
    }
    const gone: string[] = [];
    for (const [name, known] of this.#known) {
      if (leases.get(name) != null) {
        known.misses = 0;
        continue;
      }
      if (!mayJudge) continue;
      known.misses += 1;
      if (known.misses < MISSES_OF_A_DEAD_READER) continue;
      this.#known.delete(name);
      known.questions.loseAll('its lease ended');
      gone.push(name);
    }
    return gone;
  }

  get forPlacement(): readonly PlacementReader[] {
    return [...this.#known.values()]
      .filter(({ lease }) => lease.state.kind === 'live')
      .map(({ name, lease, vision, tiles, sentPrompts }) => ({
        name,
        visionKey: vision?.key ?? null,
        loras: lorasOf(lease.state),
        tiles,
        freePlaces: lease.freePlaces - sentPrompts,
        openPrompts: lease.openPrompts + sentPrompts,
      }));
  }

  notePlaced(name: string, prompts: number): void {
    const known = this.#known.get(name);
    if (known !== undefined) known.sentPrompts += prompts;
  }

  /** Of all live readers. */
  get loras(): readonly string[] {
    return [...new Set(this.live.flatMap(({ lease }) => lorasOf(lease.state)))];
  }

  /** The vision of the least busy live reader that takes images; null when live ones take none, undefined when none is live. */
  get vision(): Vision | null | undefined {
    const live = this.leastBusyFirst;
    if (live.length === 0) return undefined;
    return live.find(({ vision }) => vision !== null)?.vision ?? null;
  }

  /** @throws as `ReaderQuestions` */
  async ask<Kind extends Question['kind']>(
    name: string,
    question: QuestionOf<Kind>,
    send: (message: AskMessage) => void,
  ): Promise<AnswerTo<Kind> | undefined> {
    return this.#known.get(name)?.questions.ask(question, send);
  }

  deliver(name: string, reply: AnswerToQuestion): void {
    this.#known.get(name)?.questions.deliver(reply);
  }

  #renew(name: string, lease: ReaderLease): void {
    const known = this.#known.get(name);
    if (known?.lease.beat === lease.beat) return;
    const vision = lease.state.kind === 'live' ? lease.state.card.vision : null;
    const now = {
      lease,
      lastBeatMs: Date.now(),
      vision: vision === null ? null : identifyVision(vision),
      tiles: new Set(lease.tiles),
      sentPrompts: 0,
      misses: 0,
    };
    if (known === undefined) this.#known.set(name, { name, questions: new OpenQuestions(), ...now });
    else Object.assign(known, now);
  }
}

/** Adapters that requests may name. */
export const lorasOf = (state: LeaseState): readonly string[] =>
  state.kind === 'live' ? state.card.loras : [];

// All readers of this gateway by consumer group: who is live, who has the least to do, and waiting for one to become live.
import type { ReaderCard } from '../../link/lifecycle/messages.js';
import type { ReaderSupervisor } from './supervisor.js';

export interface LiveReader {
  readonly supervisor: ReaderSupervisor;
  readonly card: ReaderCard;
}

export class ReaderRegistry {
  readonly #supervisors: readonly ReaderSupervisor[];
  readonly #waiters = new Set<() => void>();

  constructor(supervisors: readonly ReaderSupervisor[]) {
    this.#supervisors = supervisors;
  }

  get supervisors(): readonly ReaderSupervisor[] {
    return this.#supervisors;
  }

  get groups(): readonly string[] {
    return [...new Set(this.#supervisors.map(({ consumerGroup }) => consumerGroup))];
  }

  /** Whether every group can be served now. */
  get isReady(): boolean {
    return this.groups.every((group) => this.pickLive(group) !== undefined);
  }

  /** The live reader of the group with the fewest open prompts, among those that `accepts` takes. */
  pickLive(group: string, accepts: (card: ReaderCard) => boolean = () => true): LiveReader | undefined {
    let best: LiveReader | undefined;
    for (const supervisor of this.#supervisors) {
      const { state, consumerGroup, openPrompts } = supervisor;
      if (consumerGroup !== group || state.kind !== 'live' || !accepts(state.card)) continue;
      if (best === undefined || openPrompts < best.supervisor.openPrompts)
        best = { supervisor, card: state.card };
    }
    return best;
  }

  /** To be called after every change of a reader's state. */
  announceChange(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** Like pickLive, but waits. Undefined when none came within the time or the signal fired first. */
  async waitForLive(
    group: string,
    accepts: (card: ReaderCard) => boolean,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<LiveReader | undefined> {
    const found = this.pickLive(group, accepts);
    if (found !== undefined || signal.aborted) return found;
    return new Promise((resolve) => {
      const finish = (reader: LiveReader | undefined): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', giveUp);
        this.#waiters.delete(look);
        resolve(reader);
      };
      const look = (): void => {
        const reader = this.pickLive(group, accepts);
        if (reader !== undefined) finish(reader);
      };
      const giveUp = (): void => finish(undefined);
      const timer = setTimeout(giveUp, timeoutMs);
      signal.addEventListener('abort', giveUp);
      this.#waiters.add(look);
    });
  }
}

// All readers of this gateway: adds them, and knows the groups that they serve.
import type { ReaderStart } from '../../link/lifecycle/messages.js';
import type { ReaderSecrets } from '../../link/secrets.js';
import type { ConsumerGroups, GroupView } from '../answer/consumer-group.js';
import type { StallLimits } from '../stall-limits.js';
import { ReaderGroup } from './reader-group.js';
import type { LaunchReader } from './reader-process.js';
import type { ReaderState } from './reader-state.js';
import type { ReadersView, ReaderView } from './readers-view.js';
import { ReaderSupervisor, type LogLevel } from './supervisor.js';

export interface GatewayReader {
  readonly consumerGroup: string;
  readonly start: ReaderStart;
  readonly secrets: ReaderSecrets;
}

export interface ReaderServiceOptions {
  readonly launch: LaunchReader;
  readonly limits: StallLimits;
  /** Groups whose requests wait for a reader instead of being refused while none serves them. */
  readonly reservedGroups: readonly string[];
  /** From 0 to 1; for the jitter of restarts. */
  readonly random: () => number;
  readonly onLog: (readerId: string, level: LogLevel, message: string) => void;
  /** Told of every change, loading progress included. */
  readonly onState: (readerId: string, state: ReaderState) => void;
}

export class ReaderService implements ConsumerGroups, ReadersView {
  readonly #options: ReaderServiceOptions;
  readonly #supervisors = new Map<string, ReaderSupervisor>();
  readonly #groups = new Map<string, ReaderGroup>();

  constructor(options: ReaderServiceOptions) {
    this.#options = options;
    const reservedWaitMs = options.limits.firstTokenTimeoutMs;
    for (const name of options.reservedGroups)
      this.#groups.set(name, new ReaderGroup({ name, reservedWaitMs }));
  }

  /** Starts a reader and keeps it running. */
  add({ consumerGroup, start, secrets }: GatewayReader): void {
    const { launch, limits, random, onLog, onState } = this.#options;
    const { readerId } = start;
    const group = this.#group(consumerGroup);
    const supervisor = new ReaderSupervisor({
      start,
      secrets,
      consumerGroup,
      launch,
      limits,
      random,
      onLog: (level, message) => onLog(readerId, level, message),
      onState: (state) => {
        onState(readerId, state);
        group.memberChanged();
      },
    });
    this.#supervisors.set(readerId, supervisor);
    group.add(supervisor);
    supervisor.start();
  }

  find(name: string): ReaderGroup | undefined {
    return this.#groups.get(name);
  }

  readers(): readonly ReaderView[] {
    return [...this.#supervisors.values()];
  }

  groups(): readonly GroupView[] {
    return [...this.#groups.values()].map((group) => group.view());
  }

  /** Ends all readers; requests that are still open are lost. Resolves when their processes are gone. */
  async stop(): Promise<void> {
    await Promise.all([...this.#supervisors.values()].map((supervisor) => supervisor.stop()));
  }

  #group(name: string): ReaderGroup {
    const group = this.#groups.get(name) ?? new ReaderGroup({ name, reservedWaitMs: null });
    this.#groups.set(name, group);
    return group;
  }
}

// All readers of this gateway: adds them, changes them, lets them finish, takes them away, at start-up as at any other time. It owns the
// set of readers and the groups that they serve, and nobody else changes either. A group exists as long as a reader of it does, or for
// ever where its name is reserved.
import { CapacityError, ConfigError } from '../../errors.js';
import type { ReaderStart } from '../../link/lifecycle/messages.js';
import type { Question } from '../../link/requests/questions.js';
import type { ReaderSecrets } from '../../link/secrets.js';
import { unknownGroup, type ConsumerGroups, type GroupView } from '../answer/consumer-group.js';
import type { AnswerTo, QuestionOf, ReaderQuestions } from '../answer/reader-questions.js';
import type { StallLimits } from '../stall-limits.js';
import { ReaderGroup } from './reader-group.js';
import { unknownReader } from './reader-id-errors.js';
import type { LaunchReader } from './reader-process.js';
import type { ReaderState } from './reader-state.js';
import type { CountedReader, LinkCounts, ReadersView, ReaderView } from './readers-view.js';
import { ReaderSupervisor, type LogLevel } from './supervisor.js';

export interface GatewayReader {
  /** At least one. */
  readonly consumerGroups: readonly string[];
  readonly start: ReaderStart;
  readonly secrets: ReaderSecrets;
  /** Whether requests wait for it while it comes back after its end. */
  readonly buffersRequests: boolean;
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

interface Entry {
  readonly supervisor: ReaderSupervisor;
  groups: readonly ReaderGroup[];
}

export class ReaderService implements ConsumerGroups, ReadersView, ReaderQuestions {
  readonly #options: ReaderServiceOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #groups = new Map<string, ReaderGroup>();
  #isStopped = false;

  constructor(options: ReaderServiceOptions) {
    this.#options = options;
    const reservedWaitMs = options.limits.firstTokenTimeoutMs;
    for (const name of options.reservedGroups)
      this.#groups.set(name, new ReaderGroup({ name, reservedWaitMs }));
  }

  has(readerId: string): boolean {
    return this.#entries.has(readerId);
  }

  /**
   * Starts a reader and keeps it running until it is drained or removed.
   * @throws ConfigError when its id is taken
   * @throws CapacityError server.draining after `stop`
   */
  add({ consumerGroups, start, secrets, buffersRequests }: GatewayReader): void {
    const { readerId } = start;
    if (this.#isStopped) throw new CapacityError('server.draining', 'The server is shutting down.', 1_000);
    if (this.#entries.has(readerId)) {
      throw new ConfigError(
        `The reader id ${JSON.stringify(readerId)} is taken; each reader of a server needs one of its own.`,
      );
    }
    const { launch, limits, random, onLog, onState } = this.#options;
    const supervisor = new ReaderSupervisor({
      start,
      secrets,
      buffersRequests,
      launch,
      limits,
      random,
      onLog: (level, message) => onLog(readerId, level, message),
      onState: (state) => {
        onState(readerId, state);
        for (const group of entry.groups) group.memberChanged();
      },
    });
    const entry: Entry = { supervisor, groups: [] };
    this.#entries.set(readerId, entry);
    this.#join(entry, consumerGroups);
    supervisor.start();
  }

  /**
   * From now on the reader takes the requests of these groups, at least one, and of no others. What it has it finishes.
   * @throws InputError request.reader_unknown
   */
  regroup(readerId: string, consumerGroups: readonly string[]): void {
    this.#join(this.#entry(readerId), consumerGroups);
  }

  /**
   * The reader begins no more answers than these at the same time.
   * @throws InputError request.reader_unknown
   */
  limitBatch(readerId: string, maxBatchSize: number): void {
    this.#entry(readerId).supervisor.limitBatch(maxBatchSize);
  }

  /**
   * From now on requests may name these adapters of the reader, and no others. What it has it finishes.
   * @throws InputError request.reader_unknown, request.reader_invalid; CapacityError, ReaderError as `askReader`
   */
  async changeLoras(readerId: string, loras: ReaderStart['loras']): Promise<void> {
    const { supervisor, groups } = this.#entry(readerId);
    await supervisor.changeLoras(loras);
    for (const group of groups) group.memberChanged();
  }

  /**
   * The reader takes no new request, finishes those that it has and ends; it stays listed as stopped. Resolves when its process is
   * gone. May be called again.
   * @throws InputError request.reader_unknown
   */
  async drain(readerId: string): Promise<void> {
    await this.#entry(readerId).supervisor.drain();
  }

  /**
   * Drains the reader, or ends it at once with the requests that it has, and takes it off the list. May be called while another call
   * drains it.
   * @throws InputError request.reader_unknown
   */
  async remove(readerId: string, how: 'drained' | 'at-once' = 'drained'): Promise<void> {
    const entry = this.#entry(readerId);
    const { supervisor } = entry;
    await (how === 'drained' ? supervisor.drain() : supervisor.stop());
    // Somebody else may have removed it meanwhile, and added another of the same id.
    if (this.#entries.get(readerId) !== entry) return;
    this.#entries.delete(readerId);
    this.#join(entry, []);
  }

  find(name: string): ReaderGroup | undefined {
    return this.#groups.get(name);
  }

  countedReaders(): readonly CountedReader[] {
    return [...this.#entries.values()].map((entry) => ({
      ...viewOf(entry),
      counts: entry.supervisor.counts,
    }));
  }

  /** Its readers are children. */
  links(): readonly LinkCounts[] {
    return [];
  }

  readers(): readonly ReaderView[] {
    return [...this.#entries.values()].map(viewOf);
  }

  groups(): readonly GroupView[] {
    return [...this.#groups.values()].map((group) => group.view());
  }

  async askReader<Kind extends Question['kind']>(
    readerId: string,
    question: QuestionOf<Kind>,
  ): Promise<AnswerTo<Kind>> {
    return this.#entry(readerId).supervisor.ask(question);
  }

  async askGroup<Kind extends Question['kind']>(
    name: string,
    question: QuestionOf<Kind>,
    loraId: string | null = null,
  ): Promise<AnswerTo<Kind>> {
    const group = this.#groups.get(name);
    if (group === undefined) throw unknownGroup(name);
    return group.ask(question, loraId);
  }

  /** Ends all readers and takes no more; requests that are still open are lost. Resolves when their processes are gone. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#entries.values()].map(({ supervisor }) => supervisor.stop()));
  }

  #entry(readerId: string): Entry {
    const entry = this.#entries.get(readerId);
    if (entry !== undefined) return entry;
    throw unknownReader(readerId);
  }

  /** Puts the reader into these groups and takes it out of all others. */
  #join(entry: Entry, names: readonly string[]): void {
    const before = entry.groups;
    const groups = [...new Set(names)].map((name) => this.#group(name));
    entry.groups = groups;
    // Joins first, so that the requests of a group are not refused for want of a reader that is on its way.
    for (const group of groups) if (!before.includes(group)) group.add(entry.supervisor);
    for (const group of before) {
      if (groups.includes(group)) continue;
      group.remove(entry.supervisor);
      if (group.isDisposable) this.#groups.delete(group.name);
    }
  }

  #group(name: string): ReaderGroup {
    const group = this.#groups.get(name) ?? new ReaderGroup({ name, reservedWaitMs: null });
    this.#groups.set(name, group);
    return group;
  }
}

function viewOf({ supervisor, groups }: Entry): ReaderView {
  const {
    readerId,
    modelName,
    device,
    maxBatchSize,
    loras,
    state,
    pid,
    openPrompts,
    lastHeartbeatMs,
    restarts,
  } = supervisor;
  return {
    readerId,
    consumerGroups: groups.map(({ name }) => name),
    modelName,
    device,
    maxBatchSize,
    loras,
    state,
    pid,
    openPrompts,
    lastHeartbeatMs,
    restarts,
  };
}

// All readers of this gateway: adds them, lets them finish, takes them away, at start-up as at any other time. It owns the groups
// that they serve. A group exists as long as a reader of it does, or for ever where its name is reserved.
import { CapacityError, ConfigError, InputError } from '../../errors.js';
import type { ReaderStart } from '../../link/lifecycle/messages.js';
import type { Question } from '../../link/requests/questions.js';
import type { ReaderSecrets } from '../../link/secrets.js';
import { unknownGroup, type ConsumerGroups, type GroupView } from '../answer/consumer-group.js';
import type { AnswerTo, QuestionOf, ReaderQuestions } from '../answer/reader-questions.js';
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

interface Entry {
  readonly supervisor: ReaderSupervisor;
  readonly group: ReaderGroup;
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

  /**
   * Starts a reader and keeps it running until it is drained or removed.
   * @throws ConfigError when its id is taken
   * @throws CapacityError server.draining after `stop`
   */
  add({ consumerGroup, start, secrets }: GatewayReader): void {
    const { readerId } = start;
    if (this.#isStopped) throw new CapacityError('server.draining', 'The server is shutting down.', 1_000);
    if (this.#entries.has(readerId)) {
      throw new ConfigError(
        `The reader id ${JSON.stringify(readerId)} is taken; each reader of a server needs one of its own.`,
      );
    }
    const { launch, limits, random, onLog, onState } = this.#options;
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
    this.#entries.set(readerId, { supervisor, group });
    group.add(supervisor);
    supervisor.start();
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
   * Drains the reader and takes it off the list.
   * @throws InputError request.reader_unknown
   */
  async remove(readerId: string): Promise<void> {
    const entry = this.#entry(readerId);
    const { supervisor, group } = entry;
    await supervisor.drain();
    // Somebody else may have removed it meanwhile, and added another of the same id.
    if (this.#entries.get(readerId) !== entry) return;
    this.#entries.delete(readerId);
    group.remove(supervisor);
    if (group.isDisposable) this.#groups.delete(group.name);
  }

  find(name: string): ReaderGroup | undefined {
    return this.#groups.get(name);
  }

  readers(): readonly ReaderView[] {
    return [...this.#entries.values()].map(({ supervisor }) => supervisor);
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
  ): Promise<AnswerTo<Kind>> {
    const group = this.#groups.get(name);
    if (group === undefined) throw unknownGroup(name);
    return group.ask(question);
  }

  /** Ends all readers and takes no more; requests that are still open are lost. Resolves when their processes are gone. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#entries.values()].map(({ supervisor }) => supervisor.stop()));
  }

  #entry(readerId: string): Entry {
    const entry = this.#entries.get(readerId);
    if (entry !== undefined) return entry;
    throw new InputError(
      'request.reader_unknown',
      `No reader of this server has the id ${JSON.stringify(readerId)}. /status lists them.`,
    );
  }

  #group(name: string): ReaderGroup {
    const group = this.#groups.get(name) ?? new ReaderGroup({ name, reservedWaitMs: null });
    this.#groups.set(name, group);
    return group;
  }
}

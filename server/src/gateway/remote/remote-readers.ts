// All readers on other machines, as one gateway sees them: finds the groups that there are, shows its own lease, looks at those of readers
// once a second.
import { BEAT_MS, LEASE_MS, type LeaseState } from '../../link/redis/leases.js';
import { GROUPS_KEY, isKeyName, keysOf, newProcessName } from '../../link/redis/keys.js';
import { OwnStreams } from '../../link/redis/own-streams.js';
import { Presence, type PresenceLog } from '../../link/redis/presence.js';
import type { RedisAddress } from '../../link/redis/redis-address.js';
import { isRedisTrouble, RedisConnection, RedisUnreachable } from '../../link/redis/redis-connection.js';
import { textsOf, textsOrNullsOf } from '../../link/redis/replies.js';
import { FORGET, LEFTOVER_MS } from '../../link/redis/scripts.js';
import type { Question } from '../../link/requests/questions.js';
import {
  identifyVision,
  unknownGroup,
  type ConsumerGroups,
  type GroupView,
} from '../answer/consumer-group.js';
import type { AnswerTo, QuestionOf, ReaderQuestions } from '../answer/reader-questions.js';
import { unknownReader } from '../readers/reader-id-errors.js';
import type { ReaderState } from '../readers/reader-state.js';
import type { CountedReader, LinkCounts, ReadersView, ReaderView } from '../readers/readers-view.js';
import { countUntaken } from './count-untaken.js';
import { lorasOf, type RemoteReaderView } from './group-readers.js';
import { GroupQueue } from './group-queue.js';
import { RemoteGroup } from './remote-group.js';

export interface RemoteReadersOptions {
  readonly address: RedisAddress;
  /** Groups whose requests wait for a reader instead of being refused while none serves them. */
  readonly reservedGroups: readonly string[];
  readonly reservedWaitMs: number;
  /** Requests that may wait in one group, for all gateways together. */
  readonly maxQueuedRequests: number;
  readonly log: PresenceLog;
}

interface Joined {
  readonly group: RemoteGroup;
  readonly events: OwnStreams;
}

/** Each has a connection of its own; more would be an attack by a reader. */
const MAX_GROUPS = 64;

export class RemoteReaders implements ConsumerGroups, ReadersView, ReaderQuestions {
  readonly #options: RemoteReadersOptions;
  readonly #name = newProcessName('gateway');
  readonly #presence: Presence;
  readonly #commands: RedisConnection;
  readonly #groups = new Map<string, Joined>();
  readonly #timer: NodeJS.Timeout;
  /** Whether it has ever seen all readers. */
  #hasLooked = false;

  constructor(options: RemoteReadersOptions) {
    this.#options = options;
    this.#presence = new Presence({
      log: options.log,
      onBeat: () => this.#lookAround(),
      onDown: () => this.#noteOutage(0),
    });
    this.#commands = new RedisConnection(options.address, this.#presence.listener);
    for (const name of options.reservedGroups) this.#join(name);
    this.#timer = setInterval(() => void this.#presence.beat(), BEAT_MS);
  }

  find(name: string): RemoteGroup | undefined {
    return this.#groups.get(name)?.group;
  }

  groups(): readonly GroupView[] {
    return [...this.#groups.values()].map(({ group }) => group.view());
  }

  readers(): readonly ReaderView[] {
    return this.#distinct().map((reader) => viewOf(reader, this.#shownId(reader)));
  }

  countedReaders(): readonly CountedReader[] {
    return this.#distinct().map((reader) => ({
      ...viewOf(reader, this.#shownId(reader)),
      counts: reader.lease.counts,
    }));
  }

  links(): readonly LinkCounts[] {
    return [...this.#groups.values()].map(({ group }) => group.counts);
  }

  /** Requests of all gateways for a group that wait or run. @throws RedisUnreachable, RedisRefusal */
  async demand(name: string): Promise<number> {
    if (!this.#hasLooked) throw new RedisUnreachable('this gateway has not seen any reader yet');
    const { openPrompts = 0 } = this.find(name)?.readers ?? {};
    return openPrompts + (await countUntaken(this.#commands, name));
  }

  async askGroup<Kind extends Question['kind']>(
    name: string,
    question: QuestionOf<Kind>,
    loraId: string | null = null,
  ): Promise<AnswerTo<Kind>> {
    const group = this.find(name);
    if (group === undefined) throw unknownGroup(name);
    return group.ask(question, loraId);
  }

  async askReader<Kind extends Question['kind']>(
    readerId: string,
    question: QuestionOf<Kind>,
  ): Promise<AnswerTo<Kind>> {
    const reader = this.#readerBy(readerId);
    const group = reader === undefined ? undefined : this.#groupOf(reader);
    if (reader === undefined || group === undefined) throw unknownReader(readerId);
    return group.askReader(reader.name, question);
  }

  /** Requests that are still open are lost. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#presence.idle();
    try {
      // So that readers need not wait for its end.
      await Promise.all(
        [...this.#groups.keys()].map((name) =>
          this.#commands.send(['UNLINK', keysOf(name).gateway(this.#name)]),
        ),
      );
    } catch (error) {
      if (!isRedisTrouble(error)) throw error;
    }
    await Promise.all([...this.#groups.values()].map(({ events }) => events.close()));
    await this.#commands.close();
  }

  #noteOutage(downMs: number | null): void {
    for (const { group } of this.#groups.values()) group.noteOutage(downMs);
  }

  async #lookAround(): Promise<void> {
    const { downMs } = this.#presence;
    this.#noteOutage(downMs);
    if (downMs !== null) return;
    const names = textsOf(await this.#commands.send(['SMEMBERS', GROUPS_KEY]));
    for (const name of names) if (isKeyName(name) && this.#groups.size < MAX_GROUPS) this.#join(name);
    await Promise.all([...this.#groups.values()].map(({ group }) => this.#lookAt(group)));
    await this.#leaveUnserved();
    this.#hasLooked = true;
  }

  async #lookAt(group: RemoteGroup): Promise<void> {
    const keys = keysOf(group.name);
    const [members] = await Promise.all([
      this.#commands.send(['SMEMBERS', keys.readers]),
      this.#commands.send(['SET', keys.gateway(this.#name), '1', 'PX', String(LEASE_MS)]),
      this.#commands.send(['PEXPIRE', keys.events(this.#name), String(LEFTOVER_MS)]),
    ]);
    const names = textsOf(members);
    const leases = names.length === 0 ? [] : await this.#commands.send(['MGET', ...names.map(keys.reader)]);
    const values = textsOrNullsOf(leases);
    const { mayJudge } = this.#presence;
    group.noteLeases(new Map(names.map((name, index) => [name, values[index] ?? null])), mayJudge);
    await group.beat();
    if (!mayJudge) return;
    for (const [index, name] of names.entries())
      if (values[index] == null)
        await this.#commands.run(FORGET, [keys.queue, keys.readers, keys.reader(name)], [name]);
  }

  #join(name: string): void {
    if (this.#groups.has(name)) return;
    const { address, reservedGroups, reservedWaitMs, maxQueuedRequests, log } = this.#options;
    const group = new RemoteGroup({
      name,
      queue: new GroupQueue({
        connection: this.#commands,
        group: name,
        gateway: this.#name,
        maxQueuedRequests,
      }),
      reservedWaitMs: reservedGroups.includes(name) ? reservedWaitMs : null,
      onWarning: (message) => log.warn(message),
    });
    group.noteOutage(this.#presence.downMs);
    const events = new OwnStreams({
      connection: new RedisConnection(address),
      streams: [keysOf(name).events(this.#name)],
      onMessage: (_stream, message) => group.receive(message),
    });
    events.start();
    this.#groups.set(name, { group, events });
  }

  async #leaveUnserved(): Promise<void> {
    for (const [name, { group, events }] of this.#groups) {
      if (!group.isDisposable) continue;
      this.#groups.delete(name);
      await events.close();
      await this.#commands.send(['SREM', GROUPS_KEY, name]);
    }
  }

  /** One that serves several groups is in each. */
  #distinct(): readonly RemoteReaderView[] {
    const byName = new Map<string, RemoteReaderView>();
    for (const { group } of this.#groups.values())
      for (const reader of group.readers.all) byName.set(reader.name, reader);
    return [...byName.values()];
  }

  #groupOf({ name }: RemoteReaderView): RemoteGroup | undefined {
    return [...this.#groups.values()].find(({ group }) => group.readers.has(name))?.group;
  }

  /** By the id that it is shown with. The id of several copies means the live one with least to do: all answer the same. */
  #readerBy(readerId: string): RemoteReaderView | undefined {
    const readers = this.#distinct();
    const shown = readers.find((known) => this.#shownId(known) === readerId);
    if (shown !== undefined) return shown;
    const copies = readers.filter(({ lease }) => lease.readerId === readerId);
    const live = copies.filter(({ lease }) => lease.state.kind === 'live');
    return live.sort((a, b) => a.lease.openPrompts - b.lease.openPrompts)[0] ?? copies[0];
  }

  /** Of several readers with the same id, each goes by the name of its process. */
  #shownId({ name, lease: { readerId } }: RemoteReaderView): string {
    const isShared = this.#distinct().some(
      (other) => other.name !== name && other.lease.readerId === readerId,
    );
    return isShared ? name : readerId;
  }
}

function viewOf({ lease, lastBeatMs }: RemoteReaderView, readerId: string): ReaderView {
  const { consumerGroups, maxBatchSize, openPrompts, state } = lease;
  return {
    readerId,
    consumerGroups,
    modelName: state.kind === 'loading' ? state.modelName : state.card.modelName,
    device: state.kind === 'loading' ? state.device : state.card.device,
    maxBatchSize,
    loras: lorasOf(state),
    state: stateOf(state),
    pid: undefined,
    openPrompts,
    lastHeartbeatMs: lastBeatMs,
    restarts: 0,
  };
}

function stateOf(state: LeaseState): ReaderState {
  switch (state.kind) {
    case 'loading':
      return { kind: 'loading', stage: state.stage, fraction: state.fraction };
    case 'live': {
      const { vision } = state.card;
      return { kind: 'live', card: state.card, vision: vision === null ? null : identifyVision(vision) };
    }
    case 'draining':
      return { kind: 'draining', card: state.card };
  }
}

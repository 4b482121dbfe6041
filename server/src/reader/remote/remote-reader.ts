// A reader that takes its requests from Redis: hands them to the same loop as one that is a child of a gateway, and what the loop says to
// the gateways that asked. Promises that no event of a request is told before Redis has said that the request is this reader's, and that
// what it takes either begins here, goes back, or is left for others to claim. Connections, signals and exit codes are its program's.
import { setTimeout as delay } from 'node:timers/promises';
import type { HeartbeatEvent, ReaderCard } from '../../link/lifecycle/messages.js';
import type { FromReader, ToReader } from '../../link/messages.js';
import { OUTAGE_MS } from '../../link/redis/leases.js';
import { keysOf } from '../../link/redis/keys.js';
import { writeEvents, type BackReason, type Control, type HeardRun } from '../../link/redis/messages.js';
import { isRedisTrouble, type RedisCommands } from '../../link/redis/redis-connection.js';
import type { Presence } from '../../link/redis/presence.js';
import { numberOf, textsOf } from '../../link/redis/replies.js';
import { BACK, BEGIN, RENEW } from '../../link/redis/scripts.js';
import type { RequestEvent } from '../../link/requests/messages.js';
import type { AnswerToQuestion } from '../../link/requests/questions.js';
import { visionKeyOf } from '../../model/description.js';
import { discardEntry } from './discard-entry.js';
import { fetchImages } from './fetch-images.js';
import { GatewayWatch } from './gateway-watch.js';
import { Outbox } from './outbox.js';
import { Run, type TakenEntry } from './run.js';
import { TileShelf } from './tile-shelf.js';

export interface RemoteReaderOptions {
  readonly commands: RedisCommands;
  readonly presence: Pick<Presence, 'downMs' | 'mayJudge'>;
  /** Name of this process among readers. */
  readonly reader: string;
  readonly card: ReaderCard;
  /** Hands a message to the loop. */
  readonly hand: (message: ToReader) => void;
  /** Called when there may be room for another request. */
  readonly onRoom: () => void;
  readonly onWarning: (message: string) => void;
}

/** Deliveries of a request to readers that died before its first event. */
const MAX_DELIVERIES = 2;
const RETRY_MS = 100;

export class RemoteReader {
  readonly #options: RemoteReaderOptions;
  readonly #visionKey: string | null;
  /** By their ids. */
  readonly #runs = new Map<string, Run>();
  /** By stream of a gateway. */
  readonly #outboxes = new Map<string, Outbox>();
  readonly #shelf = new TileShelf();
  readonly #gateways: GatewayWatch;
  /** Who asked the questions that are open, and by which ids of their own. */
  readonly #askers = new Map<string, { readonly outbox: Outbox; readonly requestId: string }>();
  #fetching = 0;
  #isDraining = false;
  #questionCount = 0;
  heartbeat: HeartbeatEvent | null = null;

  constructor(options: RemoteReaderOptions) {
    this.#options = options;
    this.#gateways = new GatewayWatch(options.commands);
    const { vision } = options.card;
    this.#visionKey = vision === null ? null : visionKeyOf(vision);
  }

  get openPrompts(): number {
    let open = this.#fetching;
    for (const run of this.#runs.values()) open += run.openPrompts;
    return open;
  }

  get freePlaces(): number {
    return this.#options.card.maxSequences - this.openPrompts;
  }

  /** As many requests as run at the same time, and one ahead, whose tiles arrive while a step runs. */
  get hasRoom(): boolean {
    return !this.#isDraining && this.freePlaces >= 0;
  }

  get tiles(): readonly string[] {
    return this.#shelf.hashes;
  }

  /** What the loop says. */
  hear(message: FromReader): void {
    switch (message.kind) {
      case 'token':
      case 'done':
      case 'error':
        this.#hearEvent(message);
        break;
      case 'answer':
      case 'refusal':
        this.#reply(message);
        break;
      case 'heartbeat':
        this.heartbeat = message;
        break;
      case 'loading':
      case 'ready':
      case 'failed':
      case 'log':
        break; // its program's
    }
  }

  /** A request that was taken. */
  accept(entry: TakenEntry, deliveries: number): void {
    if (this.#isDraining) void this.#giveBack(entry, 'draining');
    else if (deliveries > MAX_DELIVERIES) void this.#giveBack(entry, 'died-twice');
    else if (entry.request.preparedFor !== null && entry.request.preparedFor !== this.#visionKey)
      void this.#giveBack(entry, 'other-vision');
    else void this.#begin(entry);
  }

  control(group: string, message: Control): void {
    switch (message.kind) {
      case 'cancel-run':
        this.#options.hand({ kind: 'cancel', requestId: message.run });
        break;
      case 'cancel-request':
        for (const run of this.#runs.values())
          if (run.requestId === message.requestId && run.mayBeTaken) this.#drop(run);
        break;
      case 'check-runs':
        this.#tellMissing(this.#outboxOf(group, message.gateway), message.runs);
        break;
      case 'ask': {
        this.#questionCount += 1;
        const requestId = `question-${this.#questionCount}`;
        const outbox = this.#outboxOf(group, message.gateway);
        this.#askers.set(requestId, { outbox, requestId: message.ask.requestId });
        this.#options.hand({ ...message.ask, requestId });
        break;
      }
    }
  }

  /** To be called once a second, whether Redis answers or not: what has begun is kept for a while, and its gateways have ended it by then. */
  tick(): void {
    const { downMs } = this.#options.presence;
    if (downMs === null || downMs < OUTAGE_MS) return;
    for (const run of [...this.#runs.values()]) this.#drop(run);
    for (const outbox of this.#outboxes.values()) outbox.clear();
  }

  /** To be called once a second: keeps what is taken, ends what nobody waits for. @throws RedisUnreachable, RedisRefusal */
  async beat(): Promise<void> {
    await this.#renew();
    if (this.#options.presence.mayJudge) await this.#lookForGateways();
    for (const [stream, outbox] of this.#outboxes) {
      outbox.tick();
      const isUsed = [...this.#runs.values()].some((run) => run.eventsKey === stream);
      if (!isUsed && outbox.isEmpty) this.#outboxes.delete(stream);
    }
  }

  /** Gives back what has not begun, finishes what has. Resolves when all of it was told. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    for (const run of this.#runs.values()) if (run.stage === 'accepted') await this.#returnRun(run);
    while (this.#runs.size > 0 || this.#fetching > 0 || this.#mayBeAsked) await delay(RETRY_MS);
    await this.flush();
  }

  /** Whether Redis may have been lost a moment ago, with what gateways had not read. */
  get #mayBeAsked(): boolean {
    return !this.#options.presence.mayJudge && [...this.#outboxes.values()].some(({ isEmpty }) => !isEmpty);
  }

  /** Resolves when everything said so far was told. */
  async flush(): Promise<void> {
    await Promise.all([...this.#outboxes.values()].map((outbox) => outbox.idle()));
  }

  async #begin(entry: TakenEntry): Promise<void> {
    const { commands, hand, onWarning } = this.#options;
    const prompts = entry.request.message.prompts.length;
    this.#fetching += prompts;
    const isWanted = this.#isWanted(entry);
    try {
      const images = await fetchImages(entry, this.#shelf, commands);
      if (images === undefined) await this.#giveBack(entry, 'no-tiles');
      else if (this.#isDraining) await this.#giveBack(entry, 'draining');
      else {
        const run = new Run(entry, isWanted);
        this.#runs.set(run.id, run);
        hand({ ...entry.request.message, requestId: run.id, images });
        void this.#endUnwanted(run);
      }
    } catch (error) {
      // It stays pending, and is claimed when it has been idle for long enough.
      if (!isRedisTrouble(error)) throw error;
      onWarning(`a request was taken and its images could not be fetched: ${error.message}`);
    } finally {
      this.#fetching -= prompts;
      this.#options.onRoom();
    }
  }

  /** Whether its gateway lives. Work on it goes on meanwhile, and nothing of it begins before the answer is there. */
  async #isWanted({ group, request }: TakenEntry): Promise<boolean> {
    const { commands, presence } = this.#options;
    try {
      const found = numberOf(await commands.send(['EXISTS', keysOf(group).gateway(request.gateway)]));
      return found > 0 || !presence.mayJudge;
    } catch (error) {
      // Its gateway is looked for each second.
      if (!isRedisTrouble(error)) throw error;
      return true;
    }
  }

  async #endUnwanted(run: Run): Promise<void> {
    if (await run.isWanted) return;
    this.#drop(run);
    try {
      await discardEntry(this.#options.commands, run.entry);
    } catch (error) {
      // Then whoever claims it does.
      if (!isRedisTrouble(error)) throw error;
    }
  }

  #hearEvent(event: RequestEvent): void {
    const run = this.#runs.get(event.requestId);
    if (run === undefined) return;
    run.note(event);
    switch (run.stage) {
      case 'accepted':
        run.stage = 'beginning';
        run.held.push(event);
        void this.#askToBegin(run);
        break;
      case 'beginning':
        run.held.push(event);
        break;
      case 'begun':
        this.#tell(run, event);
        this.#forgetEnded(run);
        break;
      case 'dropped':
        this.#forgetEnded(run);
        break;
    }
  }

  async #askToBegin(run: Run): Promise<void> {
    const { commands, reader } = this.#options;
    const { group, stream, id } = run.entry;
    const keys = keysOf(group);
    if (!(await run.isWanted)) return;
    // What has been said so far comes with the announcement: whoever hears that it has begun has its first token.
    const said = run.held.splice(0).map((event) => run.tell(event));
    const began = { kind: 'began', requestId: run.requestId, run: run.id } as const;
    const announcement = writeEvents({ from: reader, items: [began, ...said] });
    const streams = [stream, run.eventsKey, keys.note(run.id)];
    const isOurs = await this.#begins(run, () => commands.run(BEGIN, streams, [id, reader, announcement]));
    if (isOurs && run.isBeginning) {
      this.#tellHeld(run);
      return;
    }
    // Counts only where a yes was lost together with its note.
    this.#tellLost(run);
    this.#drop(run);
  }

  /** Asks until Redis answers: a yes is given again. */
  async #begins(run: Run, ask: () => Promise<unknown>): Promise<boolean> {
    const sinceMs = performance.now();
    while (run.isBeginning && performance.now() - sinceMs < OUTAGE_MS) {
      try {
        return numberOf(await ask()) === 1;
      } catch (error) {
        if (!isRedisTrouble(error)) throw error;
        await delay(RETRY_MS);
      }
    }
    return false;
  }

  #tellHeld(run: Run): void {
    run.stage = 'begun';
    for (const event of run.held) this.#tell(run, event);
    run.held = [];
    this.#forgetEnded(run);
  }

  #tell(run: Run, event: RequestEvent): void {
    this.#outboxOf(run.entry.group, run.gateway).push(run.tell(event));
  }

  /** Tells again what is missing of these runs, and which of them have nothing to tell any more. */
  #tellMissing(outbox: Outbox, heard: readonly HeardRun[]): void {
    const unknown = heard.filter(({ run: id, heard: count }) => {
      const run = this.#runs.get(id);
      if (run?.stage === 'dropped') return true;
      return run?.saidCount !== count && !outbox.tellAgain(id, count);
    });
    if (unknown.length > 0) outbox.push({ kind: 'unknown-runs', runs: unknown.map(({ run }) => run) });
  }

  #forgetEnded(run: Run): void {
    if (run.openPrompts > 0) return;
    this.#runs.delete(run.id);
    this.#options.onRoom();
  }

  /** Ends the work on a request of which nothing shall be told. */
  #drop(run: Run): void {
    if (run.stage === 'dropped') return;
    run.stage = 'dropped';
    run.held = [];
    this.#options.hand({ kind: 'cancel', requestId: run.id });
    this.#forgetEnded(run);
  }

  async #returnRun(run: Run): Promise<void> {
    await this.#giveBack(run.entry, 'draining');
    if (run.mayBeTaken) this.#drop(run);
  }

  async #giveBack({ group, stream, id, request }: TakenEntry, reason: BackReason): Promise<void> {
    const { commands, reader } = this.#options;
    const { requestId } = request.message;
    const items = [{ kind: 'back', requestId, entry: id, reason }] as const;
    const events = keysOf(group).events(request.gateway);
    try {
      await commands.run(BACK, [stream, events], [id, reader, writeEvents({ from: reader, items })]);
    } catch (error) {
      // Then it is claimed.
      if (!isRedisTrouble(error)) throw error;
    }
  }

  #reply(reply: AnswerToQuestion): void {
    const asker = this.#askers.get(reply.requestId);
    this.#askers.delete(reply.requestId);
    asker?.outbox.push({ kind: 'reply', reply: { ...reply, requestId: asker.requestId } });
  }

  async #renew(): Promise<void> {
    const byStream = new Map<string, Run[]>();
    for (const run of this.#runs.values()) {
      if (!run.mayBeTaken) continue;
      byStream.set(run.entry.stream, [...(byStream.get(run.entry.stream) ?? []), run]);
    }
    const { commands, reader } = this.#options;
    for (const [stream, runs] of byStream) {
      const kept = new Set(textsOf(await commands.run(RENEW, [stream], [reader, ...runs.map(entryOf)])));
      // One that is beginning has asked, and is told.
      for (const run of runs) if (!kept.has(entryOf(run)) && run.stage === 'accepted') this.#drop(run);
    }
  }

  async #lookForGateways(): Promise<void> {
    const runs = [...this.#runs.values()];
    const leases = new Set(runs.map((run) => run.gatewayKey));
    const gone = await this.#gateways.look([...leases]);
    for (const run of runs) {
      if (!gone.has(run.gatewayKey)) continue;
      this.#outboxes.get(run.eventsKey)?.clear();
      if (run.stage === 'accepted') await discardEntry(this.#options.commands, run.entry);
      this.#drop(run);
    }
  }

  #outboxOf(group: string, gateway: string): Outbox {
    const stream = keysOf(group).events(gateway);
    const { commands: connection, reader } = this.#options;
    const known = this.#outboxes.get(stream);
    if (known !== undefined) return known;
    const outbox = new Outbox({ connection, stream, reader, onOverflow: (run) => this.#overflow(run) });
    this.#outboxes.set(stream, outbox);
    return outbox;
  }

  #overflow(id: string): void {
    const run = this.#runs.get(id);
    if (run === undefined || run.stage === 'dropped') return;
    this.#drop(run);
    this.#tellLost(run);
  }

  /** The gateway ends the request, if it has heard that it began. */
  #tellLost(run: Run): void {
    this.#outboxOf(run.entry.group, run.gateway).push({ kind: 'unknown-runs', runs: [run.id] });
  }
}

const entryOf = ({ entry }: Run): string => entry.id;

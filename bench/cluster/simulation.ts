// Many readers and gateways in simulated time: what arrives, where the product's function sends it, who serves it, who dies meanwhile.
// Redis is ideal here: streams without delay, the next entry for the reader that has waited longest. Same seed, same run.
import type { placeRequest } from 'takeoff-server/gateway/remote/placement.js';
import { Random } from '../../harness/random.js';
import { Outcomes } from './outcomes.js';
import { Queue } from './queue.js';
import { SimulatedGateway } from './simulated-gateway.js';
import {
  SimulatedReader,
  type ReaderListener,
  type ReaderModel,
  type SimulatedRequest,
} from './simulated-reader.js';
import { Timeline } from './timeline.js';
import { Zipf } from './zipf.js';

export interface Scenario {
  readonly readers: number;
  readonly gateways: number;
  readonly requests: number;
  readonly images: number;
  /** Requests of a second at a moment that is given in milliseconds. */
  readonly rate: (nowMs: number) => number;
  readonly model: ReaderModel;
  readonly seed: number;
  readonly place: typeof placeRequest;
}

export const ANSWER_MS = { least: 600, most: 1_800 } as const;

/** As in the product. */
const BEAT_MS = 1_000;
const PLACED_MS = 150;
const CLAIM_MS = 5_000;
const DEATH_SEEN_MS = 7_000;

export class Simulation {
  readonly outcomes: Outcomes;
  /** Requests that were placed with a reader which has their tiles, and of them those that it did not take in time. */
  placed = 0;
  moved = 0;
  /** Also those that are gone. */
  readonly everyReader: SimulatedReader[] = [];
  /** Told of every request's. */
  onFirstToken: ((image: string, wasEncoded: boolean) => void) | undefined;
  readonly #scenario: Scenario;
  readonly #timeline = new Timeline();
  readonly #random: Random;
  readonly #zipf: Zipf;
  readonly #names: readonly string[];
  readonly #gateways: readonly SimulatedGateway[];
  readonly #readers = new Set<SimulatedReader>();
  readonly #shared = new Queue<SimulatedRequest>();
  /** Readers that wait for a request, the longest first. */
  readonly #blocked = new Set<SimulatedReader>();
  readonly #steps: { readonly share: number; readonly happen: () => void }[] = [];
  #arrived = 0;
  #readersMade = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#random = new Random(scenario.seed);
    this.#zipf = new Zipf(scenario.images);
    this.#names = Array.from({ length: scenario.images }, (_, image) => `image-${image}`);
    this.outcomes = new Outcomes(scenario.requests);
    this.#gateways = Array.from(
      { length: scenario.gateways },
      () => new SimulatedGateway(scenario.place, (below) => this.#random.below(below)),
    );
    this.add(scenario.readers);
    for (const gateway of this.#gateways)
      this.#timeline.every(BEAT_MS, this.#random.below(BEAT_MS), () => {
        gateway.look(this.#readers, this.#timeline.nowMs);
        return !this.#isOver;
      });
    // Once all have written and read a lease.
    this.#timeline.after(2 * BEAT_MS, () => this.#arrive());
  }

  get nowMs(): number {
    return this.#timeline.nowMs;
  }

  get living(): readonly SimulatedReader[] {
    return [...this.#readers].filter(({ isAlive, isDraining }) => isAlive && !isDraining);
  }

  /** Requests that wait for a reader, and those that readers have: what the autoscaler is told. */
  get demand(): number {
    let open = this.#shared.length;
    for (const reader of this.#readers) if (reader.isAlive) open += reader.openPrompts;
    return open;
  }

  /** That some reader has encoded. */
  get encodedImages(): ReadonlySet<string> {
    return new Set(this.living.flatMap((reader) => [...reader.encodedImages]));
  }

  /** Once, when so much of all requests has arrived; to be called in the order of the shares. */
  at(share: number, happen: () => void): void {
    this.#steps.push({ share, happen });
  }

  every(intervalMs: number, happen: () => void): void {
    this.#timeline.every(intervalMs, intervalMs, () => {
      happen();
      return !this.#isOver;
    });
  }

  after(delayMs: number, happen: () => void): void {
    this.#timeline.after(delayMs, happen);
  }

  run(): void {
    this.#timeline.run();
  }

  add(count: number): void {
    for (let added = 0; added < count; added += 1) {
      this.#readersMade += 1;
      const reader = new SimulatedReader(
        `reader-${this.#readersMade}`,
        this.#scenario.model,
        this.#timeline,
        this.#random,
        this.#listener,
      );
      this.#readers.add(reader);
      this.everyReader.push(reader);
      this.#timeline.every(BEAT_MS, this.#random.below(BEAT_MS), () => {
        reader.writeLease();
        return reader.isAlive && !this.#isOver;
      });
      reader.work();
    }
  }

  /** The oldest of them. */
  kill(count: number): void {
    for (const reader of this.living.slice(0, count)) {
      const { begun, taken } = reader.kill();
      for (const request of begun)
        this.#timeline.after(DEATH_SEEN_MS, () => this.outcomes.end(request.id, 'died'));
      for (const request of taken)
        this.#timeline.after(CLAIM_MS + this.#random.below(BEAT_MS), () => this.#share(request));
    }
    this.#forgetLater();
  }

  /** The youngest of them, as Kubernetes does it. */
  drain(count: number): void {
    for (const reader of this.living.slice(-count))
      for (const request of reader.drain()) this.#send(request, false);
    this.#forgetLater();
  }

  get #isOver(): boolean {
    return this.outcomes.open === 0;
  }

  #arrive(): void {
    const { rate, requests } = this.#scenario;
    const id = this.#arrived;
    this.#arrived += 1;
    const image = this.#names[this.#zipf.draw(this.#random)] ?? '';
    const answerMs = ANSWER_MS.least + this.#random.below(ANSWER_MS.most - ANSWER_MS.least);
    const request = { id, image, arrivedMs: this.nowMs, answerMs, hasTiles: true, submissions: 0 };
    this.outcomes.arrive(id, this.nowMs);
    this.#send(request, true);
    while (this.#steps[0] !== undefined && this.#steps[0].share * requests <= this.#arrived)
      this.#steps.shift()?.happen();
    if (this.#arrived === requests) return;
    // Independent of each other.
    const uniform = (this.#random.below(2 ** 31 - 1) + 1) / 2 ** 31;
    this.#timeline.after((-Math.log(uniform) * 1_000) / rate(this.nowMs), () => this.#arrive());
  }

  #send(request: SimulatedRequest, mayPlace: boolean): void {
    const gateway = this.#random.pick(this.#gateways);
    request.submissions += 1;
    const placement = mayPlace ? gateway.place(request.image) : ({ kind: 'shared' } as const);
    const reader = placement.kind === 'holder' ? gateway.reader(placement.reader) : undefined;
    if (reader === undefined) {
      this.#share(request);
      return;
    }
    request.hasTiles = false;
    this.placed += 1;
    reader.place(request);
    this.#timeline.after(PLACED_MS, () => {
      if (!reader.withdraw(request)) return;
      this.moved += 1;
      this.#share(request);
    });
  }

  #share(request: SimulatedRequest): void {
    request.hasTiles = true;
    for (const reader of this.#blocked) {
      this.#blocked.delete(reader);
      if (!reader.hasRoom) continue;
      reader.accept(request);
      reader.work();
      return;
    }
    this.#shared.push(request);
  }

  readonly #listener: ReaderListener = {
    take: (reader) => {
      const request = this.#shared.shift();
      this.#blocked.delete(reader);
      if (request === undefined) this.#blocked.add(reader);
      return request;
    },
    onFirstToken: ({ id, image, arrivedMs }, wasEncoded) => {
      this.outcomes.begin(id, this.nowMs - arrivedMs, wasEncoded);
      this.onFirstToken?.(image, wasEncoded);
    },
    onDone: ({ id }) => this.outcomes.end(id, 'done'),
    onBack: (request) => this.#send(request, false),
  };

  /** When gateways have seen the end of their leases. */
  #forgetLater(): void {
    this.#timeline.after(60_000, () => {
      for (const reader of this.#readers) if (!reader.isAlive) this.#readers.delete(reader);
    });
  }
}

/** What must not be: requests that never ended, and that ended twice. And those whose reader died in the middle of their answer. */
export const ends = ({ outcomes }: Simulation) => ({
  lost: outcomes.open,
  endedTwice: outcomes.endedTwice,
  diedInAnswer: outcomes.died,
});

// A reader as seen from outside: takes a request when it has a place, and one more ahead; keeps tiles and encoded images, the newest of
// each; says once a second what it has. Its model is three numbers: how long an image, an answer and nothing else take.
import type { Random } from '../../harness/random.js';
import type { Timeline } from './timeline.js';

export interface SimulatedRequest {
  readonly id: number;
  readonly image: string;
  readonly arrivedMs: number;
  readonly answerMs: number;
  /** Whether its tiles travel with it. */
  hasTiles: boolean;
  /** How often it was put into a stream. */
  submissions: number;
}

export interface ReaderModel {
  readonly places: number;
  /** Of the vision tower over one image, on a reader of speed 1. */
  readonly visionMs: number;
  /** Images whose tiles a reader keeps, and tells gateways of. */
  readonly keptTiles: number;
  /** Images that it keeps encoded. */
  readonly keptFeatures: number;
}

/** What gateways know of a reader, written anew once a second. */
export interface SimulatedLease {
  readonly freePlaces: number;
  readonly openPrompts: number;
  readonly tiles: ReadonlySet<string>;
  /** Since the lease before: many gateways want to know it. */
  readonly change: TilesChange;
}

export interface TilesChange {
  readonly from: ReadonlySet<string>;
  readonly gained: readonly string[];
  readonly lost: readonly string[];
}

const NO_TILES: ReadonlySet<string> = new Set();

export const changeOf = (from: ReadonlySet<string>, to: ReadonlySet<string>): TilesChange => ({
  from,
  gained: [...to].filter((image) => !from.has(image)),
  lost: [...from].filter((image) => !to.has(image)),
});

/** What a reader tells. */
export interface ReaderListener {
  /** The next request of the shared stream; undefined: it waits for one. */
  readonly take: (reader: SimulatedReader) => SimulatedRequest | undefined;
  readonly onFirstToken: (request: SimulatedRequest, wasEncoded: boolean) => void;
  readonly onDone: (request: SimulatedRequest) => void;
  /** It was placed here and its tiles are not. */
  readonly onBack: (request: SimulatedRequest) => void;
}

type Work = 'begins' | 'answers';

export class SimulatedReader {
  readonly name: string;
  readonly speed: number;
  /** Milliseconds in which places were taken, all places together. */
  busyMs = 0;
  readonly bornMs: number;
  endedMs: number | null = null;
  answers = 0;
  lease: SimulatedLease = {
    freePlaces: 0,
    openPrompts: 0,
    tiles: NO_TILES,
    change: changeOf(NO_TILES, NO_TILES),
  };
  readonly #model: ReaderModel;
  readonly #timeline: Timeline;
  readonly #listener: ReaderListener;
  readonly #placed: SimulatedRequest[] = [];
  /** Taken, and without a place yet. */
  readonly #ahead: SimulatedRequest[] = [];
  readonly #running = new Map<SimulatedRequest, Work>();
  /** Least recently used first. */
  readonly #tiles = new Set<string>();
  /** Whether other tiles are kept than the lease says. */
  #hasOtherTiles = false;
  /** When an image is encoded, by image; least recently used first. */
  readonly #features = new Map<string, number>();
  #isDraining = false;

  constructor(
    name: string,
    model: ReaderModel,
    timeline: Timeline,
    random: Random,
    listener: ReaderListener,
  ) {
    this.name = name;
    this.#model = model;
    this.#timeline = timeline;
    this.#listener = listener;
    this.bornMs = timeline.nowMs;
    // From half to one and a half times as fast as they are on average.
    this.speed = 0.5 + random.below(1_001) / 1_000;
  }

  get isAlive(): boolean {
    return this.endedMs === null;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  get openPrompts(): number {
    return this.#running.size + this.#ahead.length;
  }

  /** As the reader of the product: as many as run, and one ahead. */
  get hasRoom(): boolean {
    return this.isAlive && !this.#isDraining && this.#model.places - this.openPrompts >= 0;
  }

  get encodedImages(): Iterable<string> {
    return this.#features.keys();
  }

  writeLease(): void {
    const { openPrompts } = this;
    const before = this.lease.tiles;
    const tiles = this.#hasOtherTiles ? new Set(this.#tiles) : before;
    this.#hasOtherTiles = false;
    const freePlaces = this.#model.places - openPrompts;
    this.lease = { freePlaces, openPrompts, tiles, change: changeOf(before, tiles) };
  }

  /** A gateway puts a request into the stream of this reader alone. */
  place(request: SimulatedRequest): void {
    this.#placed.push(request);
    if (this.hasRoom) this.work();
  }

  /** Takes back a placed request. @returns whether the reader had not taken it */
  withdraw(request: SimulatedRequest): boolean {
    const index = this.#placed.indexOf(request);
    if (index >= 0) this.#placed.splice(index, 1);
    return index >= 0;
  }

  /** Takes what there is while there is room. */
  work(): void {
    while (this.hasRoom) {
      const request = this.#placed.shift() ?? this.#listener.take(this);
      if (request === undefined) return;
      this.accept(request);
    }
  }

  accept(request: SimulatedRequest): void {
    if (!request.hasTiles && !this.#tiles.has(request.image)) {
      this.#listener.onBack(request);
      return;
    }
    this.#keepTiles(request.image);
    this.#ahead.push(request);
    this.#begin();
  }

  /** Without a word, as a machine that loses its power. @returns what it had begun, and what another reader may take over */
  kill(): { readonly begun: readonly SimulatedRequest[]; readonly taken: readonly SimulatedRequest[] } {
    this.endedMs = this.#timeline.nowMs;
    const running = [...this.#running];
    const begun = running.flatMap(([request, work]) => (work === 'answers' ? [request] : []));
    const early = running.flatMap(([request, work]) => (work === 'begins' ? [request] : []));
    return { begun, taken: [...early, ...this.#ahead] };
  }

  /** Takes nothing more and finishes what it has begun. @returns what it gives back */
  drain(): readonly SimulatedRequest[] {
    this.#isDraining = true;
    const early = [...this.#running].flatMap(([request, work]) => (work === 'begins' ? [request] : []));
    for (const request of early) this.#running.delete(request);
    const back = [...early, ...this.#ahead.splice(0)];
    this.#endWhenIdle();
    return back;
  }

  #begin(): void {
    while (this.#running.size < this.#model.places) {
      const request = this.#ahead.shift();
      if (request === undefined) return;
      this.#running.set(request, 'begins');
      const { nowMs } = this.#timeline;
      const encodedMs = this.#features.get(request.image);
      const readyMs = encodedMs ?? nowMs + this.#model.visionMs / this.speed;
      this.#features.delete(request.image);
      this.#features.set(request.image, readyMs);
      const [oldest] = this.#features.keys();
      if (this.#features.size > this.#model.keptFeatures && oldest !== undefined)
        this.#features.delete(oldest);
      const waitMs = Math.max(0, readyMs - nowMs);
      this.#timeline.after(waitMs, () => this.#answer(request, nowMs, encodedMs !== undefined));
    }
  }

  #answer(request: SimulatedRequest, startedMs: number, wasEncoded: boolean): void {
    if (!this.isAlive || this.#running.get(request) !== 'begins') return;
    this.#running.set(request, 'answers');
    this.#listener.onFirstToken(request, wasEncoded);
    this.#timeline.after(request.answerMs / this.speed, () => {
      if (!this.isAlive) return;
      this.#running.delete(request);
      this.busyMs += this.#timeline.nowMs - startedMs;
      this.answers += 1;
      this.#listener.onDone(request);
      this.#begin();
      this.#endWhenIdle();
      this.work();
    });
  }

  #endWhenIdle(): void {
    if (this.#isDraining && this.#running.size === 0) this.endedMs ??= this.#timeline.nowMs;
  }

  #keepTiles(image: string): void {
    if (!this.#tiles.delete(image)) this.#hasOtherTiles = true;
    this.#tiles.add(image);
    const [oldest] = this.#tiles;
    if (this.#tiles.size > this.#model.keptTiles && oldest !== undefined) this.#tiles.delete(oldest);
  }
}

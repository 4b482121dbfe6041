// A gateway that asks the product's own function where a request goes, with what it knows: leases that are up to a second old when it
// looks, looks that are a second apart, and what it has sent since. It is asked about readers that hold the image alone: as all see images in
// the same way, it could choose no other, and looking at each of a thousand readers for each request took most of the simulation's time.
import type { Draw, placeRequest, Placement } from 'takeoff-server/gateway/remote/placement.js';
import { changeOf, type SimulatedLease, type SimulatedReader } from './simulated-reader.js';

/** As in the product: looks at a reader without a lease before it counts as gone. */
const MISSES_OF_A_DEAD_READER = 2;
/** After its reader's end a lease stays for so long. */
const LEASE_MS = 5_000;
/** Every image is seen in the same way. */
const VISION_KEY = 'one';

/** What is known of a reader, as the placement function wants to know it. */
interface View {
  /** Of all that this gateway has come to know. */
  readonly order: number;
  readonly name: string;
  readonly visionKey: string;
  readonly loras: readonly string[];
  tiles: ReadonlySet<string>;
  freePlaces: number;
  openPrompts: number;
}

interface Known {
  readonly reader: SimulatedReader;
  lease: SimulatedLease;
  misses: number;
  readonly view: View;
}

const NO_TILES: ReadonlySet<string> = new Set();

export class SimulatedGateway {
  readonly #known = new Map<string, Known>();
  /** By image, those that have its tiles, in their order. */
  readonly #holders = new Map<string, View[]>();
  readonly #place: typeof placeRequest;
  readonly #draw: Draw;
  #knownEver = 0;

  constructor(place: typeof placeRequest, draw: Draw) {
    this.#place = place;
    this.#draw = draw;
  }

  /** Once a second. */
  look(readers: Iterable<SimulatedReader>, nowMs: number): void {
    for (const reader of readers) {
      const hasLease = reader.endedMs === null || (!reader.isDraining && nowMs - reader.endedMs < LEASE_MS);
      if (!hasLease) this.#miss(reader);
      else if (reader.isDraining) this.#forget(reader.name);
      else this.#renew(reader);
    }
  }

  place(image: string): Placement {
    const request = { tiles: [image], preparedFor: VISION_KEY, loraId: null };
    const placement = this.#place(this.#holders.get(image) ?? [], request, this.#draw);
    if (placement.kind !== 'shared') {
      const view = this.#known.get(placement.reader)?.view;
      if (view !== undefined) {
        view.freePlaces -= 1;
        view.openPrompts += 1;
      }
    }
    return placement;
  }

  reader(name: string): SimulatedReader | undefined {
    return this.#known.get(name)?.reader;
  }

  #miss(reader: SimulatedReader): void {
    const known = this.#known.get(reader.name);
    if (known === undefined) return;
    known.misses += 1;
    if (known.misses >= MISSES_OF_A_DEAD_READER) this.#forget(reader.name);
  }

  #renew(reader: SimulatedReader): void {
    const { lease, name } = reader;
    const known = this.#known.get(name) ?? this.#meet(reader);
    if (known.lease === lease) return;
    known.lease = lease;
    known.misses = 0;
    this.#show(known.view, lease);
  }

  #meet(reader: SimulatedReader): Known {
    const { lease, name } = reader;
    this.#knownEver += 1;
    const view: View = {
      order: this.#knownEver,
      name,
      visionKey: VISION_KEY,
      loras: [],
      tiles: NO_TILES,
      freePlaces: 0,
      openPrompts: 0,
    };
    const known = { reader, lease, misses: 0, view };
    this.#known.set(name, known);
    this.#show(view, lease);
    return known;
  }

  #show(view: View, { freePlaces, openPrompts, tiles, change }: SimulatedLease): void {
    view.freePlaces = freePlaces;
    view.openPrompts = openPrompts;
    if (view.tiles === tiles) return;
    const { gained, lost } = view.tiles === change.from ? change : changeOf(view.tiles, tiles);
    view.tiles = tiles;
    for (const image of gained) this.#addHolder(image, view);
    for (const image of lost) this.#removeHolder(image, view);
  }

  #forget(name: string): void {
    const known = this.#known.get(name);
    if (known === undefined) return;
    this.#known.delete(name);
    for (const image of known.view.tiles) this.#removeHolder(image, known.view);
  }

  #addHolder(image: string, view: View): void {
    const holders = this.#holders.get(image);
    if (holders === undefined) this.#holders.set(image, [view]);
    else holders.splice(indexOf(holders, view), 0, view);
  }

  #removeHolder(image: string, view: View): void {
    const holders = this.#holders.get(image) ?? [];
    holders.splice(indexOf(holders, view), 1);
    if (holders.length === 0) this.#holders.delete(image);
  }
}

/** Where it is among them, or would have to be. */
function indexOf(views: readonly View[], { order }: View): number {
  let [low, high] = [0, views.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((views[middle]?.order ?? Infinity) < order) low = middle + 1;
    else high = middle;
  }
  return low;
}

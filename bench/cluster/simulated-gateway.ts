// A gateway that asks the product's own function where a request goes, with what it knows: leases that are up to a second old when it
// looks, looks that are a second apart, and what it has sent since.
import type { Draw, placeRequest, Placement } from 'takeoff-server/gateway/remote/placement.js';
import type { SimulatedLease, SimulatedReader } from './simulated-reader.js';

/** As in the product: looks at a reader without a lease before it counts as gone. */
const MISSES_OF_A_DEAD_READER = 2;
/** After its reader's end a lease stays for so long. */
const LEASE_MS = 5_000;
/** Every image is seen in the same way. */
const VISION_KEY = 'one';

interface Known {
  readonly reader: SimulatedReader;
  lease: SimulatedLease;
  misses: number;
  readonly view: {
    name: string;
    visionKey: string;
    loras: readonly string[];
    tiles: ReadonlySet<string>;
    freePlaces: number;
    openPrompts: number;
  };
}

export class SimulatedGateway {
  readonly #known = new Map<string, Known>();
  readonly #place: typeof placeRequest;
  readonly #draw: Draw;
  #views: readonly Known['view'][] = [];

  constructor(place: typeof placeRequest, draw: Draw) {
    this.#place = place;
    this.#draw = draw;
  }

  /** Once a second. */
  look(readers: Iterable<SimulatedReader>, nowMs: number): void {
    for (const reader of readers) {
      const hasLease = reader.endedMs === null || (!reader.isDraining && nowMs - reader.endedMs < LEASE_MS);
      if (!hasLease) this.#miss(reader);
      else if (reader.isDraining) this.#known.delete(reader.name);
      else this.#renew(reader);
    }
    this.#views = [...this.#known.values()].map(({ view }) => view);
  }

  place(image: string): Placement {
    const request = { tiles: [image], preparedFor: VISION_KEY, loraId: null };
    const placement = this.#place(this.#views, request, this.#draw);
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
    if (known.misses >= MISSES_OF_A_DEAD_READER) this.#known.delete(reader.name);
  }

  #renew(reader: SimulatedReader): void {
    const { lease, name } = reader;
    const known = this.#known.get(name);
    if (known?.lease === lease) return;
    if (known === undefined) {
      const view = { name, visionKey: VISION_KEY, loras: [], ...lease };
      this.#known.set(name, { reader, lease, misses: 0, view });
      return;
    }
    known.lease = lease;
    known.misses = 0;
    Object.assign(known.view, lease);
  }
}

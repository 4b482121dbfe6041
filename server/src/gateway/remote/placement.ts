// Which reader gets a request, as a pure function of what readers last said of themselves and what was sent to them since. A
// reader that has the tiles saves them their way, and most likely the work of the vision tower. Nobody waits for such a reader: the
// most wanted image exceeds one, and any free reader is as good as a wait. Simulations use this function, too.

export interface PlacementReader {
  readonly name: string;
  /** How its model sees images; null when it takes none. */
  readonly visionKey: string | null;
  /** Adapters that it has. */
  readonly loras: readonly string[];
  /** Hashes of the tiles that it has. */
  readonly tiles: ReadonlySet<string>;
  /** Answers that could begin at once, less what was sent to it since it said so. */
  readonly freePlaces: number;
  readonly openPrompts: number;
}

export interface PlacedRequest {
  /** Hashes of the tiles of its images. */
  readonly tiles: readonly string[];
  /** Key of the vision that they were prepared for; null where there are none. */
  readonly preparedFor: string | null;
  /** The adapter that its answers go through; null for none. */
  readonly loraId: string | null;
}

export type Placement =
  /** Whoever is free first. */
  | { readonly kind: 'shared' }
  /** One that has all tiles and a free place; if it does not take the request at once, whoever is free first. */
  | { readonly kind: 'holder'; readonly reader: string }
  /** One of those that see images in this way and have the adapter, because others of the group do not. */
  | { readonly kind: 'matching'; readonly reader: string };

const SHARED: Placement = { kind: 'shared' };

export function placeRequest(
  readers: readonly PlacementReader[],
  { tiles, preparedFor, loraId }: PlacedRequest,
): Placement {
  const matching = readers.filter(
    ({ visionKey, loras }) =>
      (tiles.length === 0 || visionKey === preparedFor) && (loraId === null || loras.includes(loraId)),
  );
  const holders = matching.filter(
    (reader) => reader.freePlaces > 0 && tiles.every((hash) => reader.tiles.has(hash)),
  );
  const holder = tiles.length === 0 ? undefined : leastBusy(holders);
  if (holder !== undefined) return { kind: 'holder', reader: holder.name };
  const isMixed = matching.length < readers.length;
  const only = isMixed ? leastBusy(matching) : undefined;
  return only === undefined ? SHARED : { kind: 'matching', reader: only.name };
}

/** The first of them in their order, where several are. */
const leastBusy = (readers: readonly PlacementReader[]): PlacementReader | undefined => {
  const [first, ...others] = readers;
  return others.reduce((best, reader) => (isLessBusy(reader, best) ? reader : best), first);
};

const isLessBusy = (reader: PlacementReader, than: PlacementReader | undefined): boolean =>
  than === undefined ||
  reader.openPrompts < than.openPrompts ||
  (reader.openPrompts === than.openPrompts && reader.freePlaces > than.freePlaces);

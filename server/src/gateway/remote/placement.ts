// Which reader gets a request, as a pure function of what readers last said of themselves and what was sent to them since. A
// reader that has the tiles saves them their way, and most likely the work of the vision tower. Nobody waits for such a reader: the
// most wanted image exceeds one, and any free reader is as good as a wait. What readers said of themselves is up to two seconds old and the
// same at all gateways: if all of them took the least busy reader, they would crowd at it. So each takes the less busy one of two that it
// draws. Simulations use this function, too.

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

/** An integer in [0, below). */
export type Draw = (below: number) => number;

const drawAny: Draw = (below) => Math.floor(Math.random() * below);

/** @param draw how it is chosen among readers that are as good; at random unless the caller has to know */
export function placeRequest(
  readers: readonly PlacementReader[],
  request: PlacedRequest,
  draw: Draw = drawAny,
): Placement {
  const { tiles } = request;
  const matching = readers.filter((reader) => canAnswer(reader, request));
  const holders =
    tiles.length === 0
      ? []
      : matching.filter(
          ({ freePlaces, tiles: held }) => freePlaces > 0 && tiles.every((hash) => held.has(hash)),
        );
  const holder = lessBusyOfTwo(holders, draw);
  if (holder !== undefined) return { kind: 'holder', reader: holder.name };
  const isMixed = matching.length < readers.length;
  const only = isMixed ? lessBusyOfTwo(matching, draw) : undefined;
  return only === undefined ? SHARED : { kind: 'matching', reader: only.name };
}

const canAnswer = (
  { visionKey, loras }: PlacementReader,
  { tiles, preparedFor, loraId }: PlacedRequest,
): boolean =>
  (tiles.length === 0 || visionKey === preparedFor) && (loraId === null || loras.includes(loraId));

function lessBusyOfTwo(readers: readonly PlacementReader[], draw: Draw): PlacementReader | undefined {
  if (readers.length < 2) return readers[0];
  const first = draw(readers.length);
  const other = draw(readers.length - 1);
  const one = readers[first];
  const two = readers[other < first ? other : other + 1];
  return one !== undefined && two !== undefined && isLessBusy(two, one) ? two : one;
}

const isLessBusy = (reader: PlacementReader, than: PlacementReader): boolean =>
  reader.openPrompts < than.openPrompts ||
  (reader.openPrompts === than.openPrompts && reader.freePlaces > than.freePlaces);

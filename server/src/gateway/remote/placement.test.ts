import { describe, expect, it } from 'vitest';
import { placeRequest, type Placement, type PlacementReader } from './placement.js';

const reader = (name: string, given: Partial<PlacementReader> = {}): PlacementReader => ({
  name,
  visionKey: 'v',
  loras: [],
  tiles: new Set<string>(),
  freePlaces: 4,
  openPrompts: 0,
  ...given,
});
const having = (...tiles: string[]) => ({ tiles: new Set(tiles) });

const SHARED: Placement = { kind: 'shared' };
const holder = (name: string): Placement => ({ kind: 'holder', reader: name });

const TABLE: readonly (readonly [string, readonly PlacementReader[], readonly string[], Placement])[] = [
  ['without images goes to whoever is free', [reader('a', having('x'))], [], SHARED],
  ['of an image that nobody has goes to whoever is free', [reader('a'), reader('b')], ['x'], SHARED],
  ['goes to the reader that has its image', [reader('a'), reader('b', having('x'))], ['x'], holder('b')],
  [
    'goes to the least busy of those that have its image',
    [reader('a', { ...having('x'), openPrompts: 2 }), reader('b', { ...having('x'), openPrompts: 1 })],
    ['x'],
    holder('b'),
  ],
  [
    'goes to the one with more free places where two are as busy',
    [reader('a', { ...having('x'), freePlaces: 1 }), reader('b', { ...having('x'), freePlaces: 2 })],
    ['x'],
    holder('b'),
  ],
  [
    'does not wait for a reader without a free place',
    [reader('a', { ...having('x'), freePlaces: 0 }), reader('b')],
    ['x'],
    SHARED,
  ],
  [
    'of two images goes to no reader that has one of them',
    [reader('a', having('x')), reader('b', having('y'))],
    ['x', 'y'],
    SHARED,
  ],
  [
    'of two images goes to the reader that has both',
    [reader('a', having('x', 'y'))],
    ['x', 'y'],
    holder('a'),
  ],
  [
    'goes to no reader whose model sees images in another way',
    [reader('a', { ...having('x'), visionKey: 'w' }), reader('b')],
    ['x'],
    { kind: 'matching', reader: 'b' },
  ],
  ['waits for all where no reader sees images in its way', [reader('a', { visionKey: 'w' })], ['x'], SHARED],
  ['waits for all where there is no reader', [], ['x'], SHARED],
];

describe('placing a request', () => {
  it.each(TABLE)('%s', (_title, readers, tiles, expected) => {
    const preparedFor = tiles.length === 0 ? null : 'v';
    expect(placeRequest(readers, { tiles, preparedFor, loraId: null })).toEqual(expected);
  });

  it('goes to the less busy of any two that have its image, so that gateways do not crowd at the least busy of all', () => {
    const readers = [3, 1, 2, 0].map((openPrompts) =>
      reader(`with ${openPrompts}`, { ...having('x'), openPrompts }),
    );
    const request = { tiles: ['x'], preparedFor: 'v', loraId: null };
    const drawn = (first: number, second: number): Placement => {
      const draws = [first, second];
      return placeRequest(readers, request, () => draws.shift() ?? 0);
    };
    expect(drawn(0, 0)).toEqual(holder('with 1'));
    expect(drawn(1, 0)).toEqual(holder('with 1'));
    expect(drawn(0, 1)).toEqual(holder('with 2'));
    expect(drawn(2, 2)).toEqual(holder('with 0'));
    expect(drawn(3, 0)).toEqual(holder('with 0'));
  });

  it('for an adapter that some readers lack goes to one that has it', () => {
    const readers = [reader('a'), reader('b', { loras: ['style'] })];
    const request = { tiles: [], preparedFor: null, loraId: 'style' };
    expect(placeRequest(readers, request)).toEqual({ kind: 'matching', reader: 'b' });
  });

  it('for an adapter that all readers have goes to whoever is free', () => {
    const request = { tiles: [], preparedFor: null, loraId: 'style' };
    expect(placeRequest([reader('a', { loras: ['style'] })], request)).toEqual(SHARED);
  });
});

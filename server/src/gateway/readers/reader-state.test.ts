import { describe, expect, it } from 'vitest';
import { Defect } from '../../errors.js';
import { isTransition, mayBecomeLive, validateTransition, type ReaderState } from './reader-state.js';
import { CARD } from './scripted-reader.fixture.js';

const KINDS = ['starting', 'loading', 'live', 'draining', 'dead', 'stopped'] as const;

describe('the transitions of a reader', () => {
  it('are these and no others', () => {
    const legal = KINDS.flatMap((from) =>
      KINDS.filter((to) => isTransition(from, to)).map((to) => `${from} → ${to}`),
    );
    expect(legal).toEqual([
      'starting → loading',
      'starting → live',
      'starting → dead',
      'starting → stopped',
      'loading → loading',
      'loading → live',
      'loading → dead',
      'loading → stopped',
      'live → draining',
      'live → dead',
      'live → stopped',
      'draining → stopped',
      'dead → starting',
      'dead → stopped',
    ]);
  });

  it('are a defect otherwise', () => {
    for (const from of KINDS)
      for (const to of KINDS) {
        const act = () => validateTransition(from, to);
        if (isTransition(from, to)) expect(act).not.toThrow();
        else expect(act).toThrow(Defect);
      }
  });
});

describe('mayBecomeLive', () => {
  const dead = (restartInMs: number | null): ReaderState => ({
    kind: 'dead',
    code: 'reader.died',
    reason: 'killed',
    restartInMs,
  });

  it.each<[ReaderState, boolean]>([
    [{ kind: 'starting' }, true],
    [{ kind: 'loading', stage: 'reading', fraction: null }, true],
    [{ kind: 'live', card: CARD, vision: null }, true],
    [dead(0), true],
    [dead(null), false],
    [{ kind: 'draining', card: CARD }, false],
    [{ kind: 'stopped' }, false],
  ])('of %j is %s', (state, expected) => {
    expect(mayBecomeLive(state)).toBe(expected);
  });
});

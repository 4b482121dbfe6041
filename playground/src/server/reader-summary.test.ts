import type { PageReader } from 'takeoff-wire';
import { describe, expect, it } from 'vitest';
import { groupNames, imageTokensOf, loraNames, requestsAhead, summariseGroup } from './reader-summary.js';

const reader = (changes: Partial<PageReader> = {}): PageReader => ({
  reader_id: 'a',
  consumer_groups: ['primary'],
  model_name: 'demo',
  state: 'live',
  open_prompts: 0,
  max_batch_size: 8,
  takes_images: true,
  image_tokens: 64,
  ...changes,
});

describe('summariseGroup', () => {
  it('is ready where one reader is live, whatever the others do', () =>
    expect(summariseGroup([reader({ state: 'dead' }), reader()], 'primary')).toEqual({
      kind: 'ready',
      modelName: 'demo',
    }));

  it('says the stage and the percentage of a reader that loads', () =>
    expect(
      summariseGroup([reader({ state: 'loading', stage: 'converting', fraction: 0.426 })], 'primary'),
    ).toEqual({ kind: 'loading', text: 'converting, 42 %', fraction: 0.426 }));

  it.each([
    [true, 'is being started again'],
    [false, 'the operator must act'],
  ])('says of a dead reader that restarts (%s) its code and what happens next', (restarts, next) => {
    const dead = reader({ state: 'dead', failure: { code: 'reader.exited', restarts } });
    const summary = summariseGroup([dead], 'primary');
    expect(summary).toMatchObject({ kind: 'down' });
    expect(JSON.stringify(summary)).toContain('reader.exited');
    expect(JSON.stringify(summary)).toContain(next);
  });

  it('is unknown for a group without readers', () =>
    expect(summariseGroup([reader()], 'other')).toEqual({ kind: 'unknown' }));
});

it('requestsAhead counts what is open beyond the places of the emptiest live reader', () => {
  expect(requestsAhead([reader({ open_prompts: 8 })], 'primary')).toBe(0);
  expect(requestsAhead([reader({ open_prompts: 11 }), reader({ open_prompts: 9 })], 'primary')).toBe(1);
  expect(requestsAhead([reader({ state: 'dead', open_prompts: 11 })], 'primary')).toBe(0);
});

it('imageTokensOf is that of a live reader of the group', () => {
  expect(imageTokensOf([reader()], 'primary')).toBe(64);
  expect(imageTokensOf([reader({ image_tokens: null })], 'primary')).toBeNull();
  expect(imageTokensOf([], 'primary')).toBeNull();
});

it('loraNames has each adapter of the live readers of the group once', () => {
  const readers = [
    reader({ loras: ['a', 'b'] }),
    reader({ loras: ['b'] }),
    reader(),
    reader({ loras: ['dead'], state: 'dead' }),
    reader({ loras: ['other'], consumer_groups: ['second'] }),
  ];
  expect(loraNames(readers, 'primary')).toEqual(['a', 'b']);
});

it('groupNames has each group once', () =>
  expect(groupNames({ version: '', limits: limits(), readers: [reader(), reader()] })).toEqual(['primary']));

const limits = () => ({ body_size_limit_bytes: 1, max_image_pixels: 1, max_image_side_px: 1 });

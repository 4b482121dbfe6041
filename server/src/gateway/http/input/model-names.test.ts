import { describe, expect, it } from 'vitest';
import { DEFAULT_CONSUMER_GROUP } from 'takeoff-wire';
import type { ReadersView } from '../../readers/readers-view.js';
import { fingerprintOf, resolveModel } from './model-names.js';

/** Readers by the group that they serve. */
const serving = (models: Readonly<Record<string, string>>): ReadersView => ({
  groups: () => Object.keys(models).map((name) => ({ name, isReady: true, readerCount: 1, failure: null })),
  readers: () =>
    Object.entries(models).map(([consumerGroup, modelName]) => ({
      readerId: modelName,
      consumerGroups: [consumerGroup],
      modelName,
      device: 'cpu',
      maxBatchSize: 8,
      loras: [],
      state: { kind: 'starting' },
      pid: 1,
      openPrompts: 0,
      lastHeartbeatMs: null,
      restarts: 0,
    })),
});
const two = serving({ fast: '/models/llava-v1.5-7b/', fine: 'owner/llava-v1.6' });

describe('resolveModel', () => {
  it.each([
    ['a group', 'fine', { group: 'fine', name: 'fine' }],
    ['a model as it is configured', 'owner/llava-v1.6', { group: 'fine', name: 'owner/llava-v1.6' }],
    ['the last part of a model', 'llava-v1.5-7b', { group: 'fast', name: 'llava-v1.5-7b' }],
  ])('finds %s', (_, asked, named) => {
    expect(resolveModel(asked, two)).toEqual(named);
  });

  it.each(['dummy', 'http://server', '', null])(
    'takes %j for the only group, under its own name',
    (asked) => {
      expect(resolveModel(asked, serving({ only: '/m' }))).toEqual({ group: 'only', name: 'only' });
    },
  );

  it('refuses a name of nobody where there are several groups, and lists them', () => {
    expect(() => resolveModel('dummy', two)).toThrow(
      'model is "dummy"; allowed is the name of a consumer group (fast, fine) or of a model that one of them serves.',
    );
    expect(() => resolveModel(undefined, two)).toThrow('model is missing');
  });

  it('leaves it to the request path to refuse where there is no group at all', () => {
    expect(resolveModel('x', serving({})).group).toBe(DEFAULT_CONSUMER_GROUP);
  });
});

describe('fingerprintOf', () => {
  it('changes with the version and with the models of the group, and with nothing else', () => {
    const print = fingerprintOf('fine', two, '1');
    expect(print).toMatch(/^fp_[0-9a-f]{10}$/u);
    expect(fingerprintOf('fine', serving({ fine: 'owner/llava-v1.6' }), '1')).toBe(print);
    expect(fingerprintOf('fine', two, '2')).not.toBe(print);
    expect(fingerprintOf('fine', serving({ fine: 'owner/other' }), '1')).not.toBe(print);
  });
});

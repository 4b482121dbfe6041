import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Control } from '../../link/redis/messages.js';
import { messageOf, tokenOf } from '../answer/message.fixture.js';
import { BegunRuns } from './begun-runs.js';
import { RemoteRequest } from './remote-request.js';

function begunRuns() {
  const told: [string, Control][] = [];
  const runs = new BegunRuns({
    gateway: 'gw',
    control: (reader, message) => told.push([reader, message]),
  });
  const begin = (run: string, reader: string): RemoteRequest => {
    const request = new RemoteRequest(
      { message: messageOf(1, `request of ${run}`), preparedFor: null },
      { onEvent: () => undefined, onEnd: () => undefined },
    );
    runs.begin(request, run, reader);
    return request;
  };
  return { runs, begin, told };
}

const notHeard = (run: string) => ({ run, heard: 0 });

describe('the runs that readers have begun', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
  afterEach(() => vi.useRealTimers());

  it('are found by the reader that began them, and by no other', () => {
    const { runs, begin } = begunRuns();
    const request = begin('one', 'r1');
    expect(runs.find('one', 'r1')).toBe(request);
    expect(runs.find('one', 'r2')).toBeUndefined();
    expect(runs.of('r2')).toEqual([]);
    runs.forget(request);
    expect(runs.find('one', 'r1')).toBeUndefined();
  });

  it('are asked about once they are silent, each reader about its own', () => {
    const { runs, begin, told } = begunRuns();
    const speaking = begin('speaking', 'r1');
    for (const [run, reader] of [
      ['one', 'r1'],
      ['two', 'r2'],
      ['three', 'r1'],
    ] as const)
      begin(run, reader);
    vi.advanceTimersByTime(1_900);
    runs.look();
    expect(told).toEqual([]);
    speaking.hear(0, tokenOf('a', 0, 'speaking'));
    vi.advanceTimersByTime(100);
    runs.look();
    expect(told).toEqual([
      ['r1', { kind: 'check-runs', gateway: 'gw', runs: [notHeard('one'), notHeard('three')] }],
      ['r2', { kind: 'check-runs', gateway: 'gw', runs: [notHeard('two')] }],
    ]);
  });

  it('are asked for what is missing of them, once a second while it does not come', () => {
    const { runs, begin, told } = begunRuns();
    const request = begin('one', 'r1');
    request.hear(0, tokenOf('a', 0, 'one'));
    expect([runs.askForRest(request), runs.askForRest(request)]).toEqual([true, false]);
    vi.advanceTimersByTime(1_000);
    expect(runs.askForRest(request)).toBe(true);
    const asked = ['r1', { kind: 'check-runs', gateway: 'gw', runs: [{ run: 'one', heard: 1 }] }];
    expect(told).toEqual([asked, asked]);
    request.hear(1, tokenOf('b', 0, 'one'));
    expect(runs.askForRest(request)).toBe(true);
  });

  it('are lost with a reader that nobody knows and that says nothing for as long as a lease lasts', () => {
    const { runs, begin } = begunRuns();
    begin('one', 'known');
    begin('two', 'stranger');
    begin('three', 'stranger');
    const isKnown = (reader: string): boolean => reader === 'known';
    vi.advanceTimersByTime(4_900);
    expect(runs.strangers(isKnown)).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(runs.strangers(isKnown)).toEqual(['stranger']);
  });

  it('are cancelled again and again once nobody wants them, and given up in the end', () => {
    const { runs, begin, told } = begunRuns();
    const request = begin('one', 'r1');
    request.cancelledMs = performance.now();
    vi.advanceTimersByTime(9_000);
    expect(runs.look()).toEqual([]);
    expect(told).toEqual([['r1', { kind: 'cancel-run', run: 'one' }]]);
    vi.advanceTimersByTime(1_000);
    expect(runs.look()).toEqual([request]);
  });
});

import { describe, expect, it } from 'vitest';
import { ClusterRoom, retryAfterMs } from './cluster-room.js';

const never = new AbortController().signal;

function createRoom() {
  let nowMs = 0;
  const waits: number[] = [];
  const room = new ClusterRoom({
    nowMs: () => nowMs,
    random: () => 0,
    wait: async (ms) => {
      waits.push(ms);
      nowMs += ms;
    },
  });
  return { room, waits };
}

describe('the room of a cluster', () => {
  it('is open at first', async () => {
    const { room, waits } = createRoom();
    expect(room.isOpen).toBe(true);
    await room.open(never);
    expect(waits).toEqual([]);
  });

  it('opens when the cluster said', async () => {
    const { room, waits } = createRoom();
    room.noteFull(2_000);
    expect(room.isOpen).toBe(false);
    await room.open(never);
    expect(waits).toEqual([2_000]);
  });

  it('opens later and later while the cluster says nothing, up to a bound', async () => {
    const { room, waits } = createRoom();
    for (let n = 0; n < 8; n += 1) {
      room.noteFull(null);
      await room.open(never);
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  it('begins with a short pause again once a prompt was taken', async () => {
    const { room, waits } = createRoom();
    for (let n = 0; n < 3; n += 1) room.noteFull(null);
    room.noteTaken();
    await room.open(never);
    room.noteFull(null);
    await room.open(never);
    expect(waits.at(-1)).toBe(250);
  });

  it('neither believes an hour nor hammers at once', async () => {
    const { room, waits } = createRoom();
    room.noteFull(3_600_000);
    await room.open(never);
    room.noteFull(0);
    await room.open(never);
    expect(waits).toEqual([30_000, 125]);
  });

  it('lets nobody in who does not wait any more', async () => {
    const { room } = createRoom();
    await expect(room.open(AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-29T12:00:00Z');
  it.each([
    [undefined, null],
    ['3', 3_000],
    ['0.5', 500],
    ['Sun, 29 Nov 2026 12:00:07 GMT', 7_000],
    ['Sun, 29 Nov 2026 11:00:00 GMT', 0],
    ['soon', null],
    ['-1', 0],
  ])('%j is %j ms', (header, ms) => {
    const got = retryAfterMs(header, now);
    // What Date.parse makes of a negative number is a year of the past.
    expect(got).toBe(ms);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { identifyVision, type AttemptEnd, type Submission } from '../answer/consumer-group.js';
import { messageOf } from '../answer/message.fixture.js';
import { ReaderGroup, type GroupMember } from './reader-group.js';
import type { ReaderState } from './reader-state.js';
import { CARD, VISION } from './scripted-reader.fixture.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const DEMO = identifyVision(VISION);
const OTHER = identifyVision({ ...VISION, sidePx: 336 });
const NEVER = new AbortController().signal;

const live = (vision = DEMO): ReaderState => ({ kind: 'live', card: CARD, vision });
const TEXT_ONLY: ReaderState = { kind: 'live', card: { ...CARD, vision: null }, vision: null };
const STARTING: ReaderState = { kind: 'starting' };
const dead = (restartInMs: number | null): ReaderState => ({
  kind: 'dead',
  code: 'reader.died',
  reason: 'killed',
  restartInMs,
});

/** A reader that only remembers what it was asked. */
class Member implements GroupMember {
  state: ReaderState;
  openPrompts: number;
  buffersRequests = true;
  loras: readonly string[] = [];
  readonly asked: string[] = [];
  readonly cancelled: string[] = [];

  constructor(state: ReaderState, openPrompts = 0) {
    this.state = state;
    this.openPrompts = openPrompts;
  }

  generate({ requestId }: { readonly requestId: string }): void {
    if (this.state.kind !== 'live') throw new TypeError(`asked while it was ${this.state.kind}`);
    this.asked.push(requestId);
  }

  cancel(requestId: string): void {
    this.cancelled.push(requestId);
  }

  ask(): Promise<never> {
    return Promise.reject(new TypeError('nobody asks it'));
  }
}

function groupOf(members: readonly Member[], reservedWaitMs: number | null = null) {
  const group = new ReaderGroup({ name: 'primary', reservedWaitMs });
  for (const member of members) group.add(member);
  group.memberChanged();
  const ends: Record<string, AttemptEnd> = {};
  const submit = (
    requestId: string,
    preparedFor: string | null = null,
    loraId: string | null = null,
  ): void => {
    const submission: Submission = { message: { ...messageOf(1, requestId), loraId }, preparedFor };
    group.submit(submission, {
      onEvent: () => undefined,
      onEnd: (end) => {
        ends[requestId] = end;
      },
    });
  };
  const change = (member: Member, state: ReaderState): void => {
    member.state = state;
    group.memberChanged();
  };
  return { group, ends, submit, change };
}

describe('identifyVision', () => {
  it('gives equal settings equal keys, in whatever order their fields came, and others other keys', () => {
    const reordered = Object.fromEntries(Object.entries(VISION).reverse()) as typeof VISION;
    expect(Object.keys(reordered)).not.toEqual(Object.keys(VISION));
    expect(identifyVision(reordered).key).toBe(DEMO.key);
    expect(OTHER.key).not.toBe(DEMO.key);
  });
});

describe('a submitted request', () => {
  it('goes to the live reader with the fewest open prompts', () => {
    const [starting, busy, idle] = [new Member(STARTING), new Member(live(), 3), new Member(live(), 2)];
    const { submit } = groupOf([starting, busy, idle]);
    submit('a');
    idle.openPrompts = 4;
    submit('b');
    expect([starting.asked, busy.asked, idle.asked]).toEqual([[], ['b'], ['a']]);
  });

  it('goes only to a reader that sees images as they were prepared, unless it has none', () => {
    const [demo, other] = [new Member(live(DEMO), 9), new Member(live(OTHER))];
    const { submit } = groupOf([demo, other]);
    submit('with image', DEMO.key);
    submit('text');
    expect([demo.asked, other.asked]).toEqual([['with image'], ['text']]);
  });

  it('waits for a reader that comes back, behind those that came earlier', () => {
    const reader = new Member(live());
    const { submit, change, ends } = groupOf([reader]);
    change(reader, dead(500));
    submit('a');
    submit('b');
    change(reader, STARTING);
    vi.advanceTimersByTime(29_999);
    change(reader, live());
    expect(reader.asked).toEqual(['a', 'b']);
    expect(ends).toEqual({});
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is refused when no reader has come back within 30 seconds', () => {
    const reader = new Member(live());
    const { submit, change, ends } = groupOf([reader]);
    change(reader, dead(500));
    submit('a');
    vi.advanceTimersByTime(30_000);
    expect(ends).toMatchObject({ a: { kind: 'refused', error: { code: 'group.unavailable' } } });
    change(reader, live());
    expect(reader.asked).toEqual([]);
  });

  it('is refused, but not before submit has returned, while no reader has been live yet', async () => {
    const { submit, ends } = groupOf([new Member(STARTING)]);
    submit('a');
    expect(ends).toEqual({});
    await vi.advanceTimersByTimeAsync(0);
    expect(ends).toMatchObject({ a: { kind: 'refused', error: { code: 'group.unavailable' } } });
  });

  it('does not wait for a reader that buffers none, unless another one comes back', () => {
    const [hasty, patient] = [new Member(live()), new Member(live())];
    hasty.buffersRequests = false;
    const { submit, change, ends, group } = groupOf([hasty, patient]);
    change(hasty, dead(500));
    change(patient, dead(500));
    submit('a');
    expect(ends).toEqual({});
    patient.state = dead(null);
    group.remove(patient);
    expect(ends['a']).toMatchObject({ kind: 'refused', error: { code: 'group.unavailable' } });
  });

  it('is cancelled in its reader, also when that has left the group', () => {
    const reader = new Member(live());
    const { submit, group } = groupOf([reader]);
    submit('a');
    group.remove(reader);
    group.cancel('a', 'unwanted');
    expect(reader.cancelled).toEqual(['a']);
  });

  it('ends as cancelled when it is cancelled while it waits, and reaches no reader', () => {
    const reader = new Member(live());
    const { group, submit, change, ends } = groupOf([reader]);
    change(reader, dead(500));
    submit('a');
    group.cancel('a', 'unwanted');
    vi.advanceTimersByTime(30_000);
    change(reader, live());
    expect([reader.asked, ends]).toEqual([[], { a: { kind: 'cancelled' } }]);
    expect(reader.cancelled).toEqual([]);
  });

  it('is cancelled in whichever reader has it', () => {
    const members = [new Member(live()), new Member(live())];
    const { group, submit } = groupOf(members);
    submit('a');
    group.cancel('a', 'unwanted');
    expect(members.map(({ cancelled }) => cancelled)).toEqual([['a'], []]);
  });
});

describe('the vision of a group', () => {
  it('is that of the least busy live reader that takes images', async () => {
    const [demo, other] = [new Member(live(DEMO), 2), new Member(live(OTHER), 1)];
    const { group } = groupOf([new Member(TEXT_ONLY), demo, other]);
    expect(await group.vision(NEVER)).toEqual(OTHER);
    other.openPrompts = 3;
    expect(await group.vision(NEVER)).toEqual(DEMO);
  });

  it('is null when no model of the group takes images', async () => {
    const { group } = groupOf([new Member(TEXT_ONLY)]);
    expect(await group.vision(NEVER)).toBeNull();
    expect(group.knownVision(null)).toBeNull();
  });

  it('is known at once where nobody would have to wait for it', () => {
    expect(groupOf([new Member(live(DEMO))]).group.knownVision(null)).toEqual(DEMO);
    const { group } = groupOf([new Member(STARTING)], 5_000);
    expect(group.knownVision(null)).toBeUndefined();
    expect(groupOf([new Member(live(DEMO))]).group.knownVision('none')).toBeUndefined();
  });

  it('stays known while the reader comes back, so that images are decoded meanwhile', async () => {
    const reader = new Member(live());
    const { group, change } = groupOf([reader]);
    change(reader, dead(500));
    expect(await group.vision(NEVER)).toEqual(DEMO);
  });

  it('is waited for in a reserved group only, and no longer than its time', async () => {
    const refused = { code: 'group.unavailable' };
    await expect(groupOf([new Member(STARTING)]).group.vision(NEVER)).rejects.toMatchObject(refused);
    const reader = new Member(STARTING);
    const { group, change } = groupOf([reader], 5_000);
    const late = expect(group.vision(NEVER)).rejects.toMatchObject(refused);
    vi.advanceTimersByTime(5_000);
    await late;
    const inTime = group.vision(NEVER);
    vi.advanceTimersByTime(4_999);
    change(reader, live());
    expect(await inTime).toEqual(DEMO);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is given up on when its signal fires', async () => {
    const { group } = groupOf([new Member(STARTING)], 5_000);
    const stop = new AbortController();
    const waited = expect(group.vision(stop.signal)).rejects.toHaveProperty('name', 'AbortError');
    stop.abort();
    await waited;
    await expect(group.vision(stop.signal)).rejects.toHaveProperty('name', 'AbortError');
    expect(vi.getTimerCount()).toBe(0);
  });
});

it('is ready while a reader of it is live', () => {
  const reader = new Member(STARTING);
  const { group, change } = groupOf([reader]);
  expect(group.view()).toEqual({ name: 'primary', isReady: false, failure: null, readerCount: 1 });
  change(reader, live());
  expect(group.view()).toEqual({ name: 'primary', isReady: true, failure: null, readerCount: 1 });
});

describe('a group whose readers go', () => {
  const codes = (ends: Record<string, AttemptEnd>): unknown[] =>
    Object.values(ends).map((end) => (end.kind === 'refused' ? end.error.code : end.kind));

  it('refuses what waits as soon as no reader can come back, and says that the operator must act', async () => {
    const reader = new Member(live());
    const { group, submit, change, ends } = groupOf([reader], 5_000);
    change(reader, dead(0));
    submit('a');
    change(reader, {
      kind: 'dead',
      code: 'checkpoint.missing',
      reason: 'There is no /models/x.',
      restartInMs: null,
    });
    submit('b');
    await vi.advanceTimersByTimeAsync(0);
    expect(codes(ends)).toEqual(['group.failed', 'group.failed']);
    const refused = expect(group.vision(NEVER)).rejects;
    await refused.toMatchObject({
      code: 'group.failed',
      message: expect.stringContaining('checkpoint.missing') as string,
    });
    await expect(group.vision(NEVER)).rejects.not.toHaveProperty(
      'message',
      expect.stringContaining('/models'),
    );
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits for another reader when one can never be live', () => {
    const [broken, good] = [new Member(live()), new Member(STARTING)];
    const { submit, change, ends } = groupOf([broken, good]);
    change(broken, dead(null));
    submit('a');
    change(good, live());
    expect([good.asked, ends]).toEqual([['a'], {}]);
  });

  it('hands nothing to a reader that drains', () => {
    const [draining, other] = [new Member(live()), new Member(live(), 9)];
    const { submit, change, group } = groupOf([draining, other]);
    change(draining, { kind: 'draining', card: CARD });
    submit('a');
    expect([draining.asked, other.asked]).toEqual([[], ['a']]);
    expect(group.view().isReady).toBe(true);
  });

  it('refuses requests after its last reader has stopped, and takes the next one for its first', async () => {
    const reader = new Member(live());
    const { group, submit, change, ends } = groupOf([reader]);
    change(reader, { kind: 'stopped' });
    submit('a');
    await vi.advanceTimersByTimeAsync(0);
    expect(codes(ends)).toEqual(['group.unavailable']);
    group.remove(reader);
    expect(group.isDisposable).toBe(true);
    const next = new Member(live(OTHER));
    group.add(next);
    group.memberChanged();
    expect(await group.vision(NEVER)).toEqual(OTHER);
  });

  it('keeps its name when it is reserved', () => {
    const reader = new Member(live());
    const { group } = groupOf([reader], 5_000);
    group.remove(reader);
    expect(group.isDisposable).toBe(false);
  });
});

describe('a group whose readers differ in their adapters', () => {
  const withLoras = (loras: readonly string[], state = live(), openPrompts = 0): Member => {
    const member = new Member(state, openPrompts);
    member.loras = loras;
    return member;
  };
  const unknown = {
    code: 'request.unknown_lora',
    message: expect.stringContaining('are: "style", "ocr"') as unknown,
  };

  it('hands a request that names an adapter to a reader that has it, however busy that one is', async () => {
    const [idle, busy] = [withLoras(['style']), withLoras(['style', 'ocr'], live(OTHER), 9)];
    const { group, submit } = groupOf([idle, busy]);
    expect(await group.vision(NEVER, 'ocr')).toEqual(OTHER);
    submit('a', null, 'ocr');
    submit('b', null, 'style');
    submit('c');
    expect([idle.asked, busy.asked]).toEqual([['b', 'c'], ['a']]);
  });

  it('refuses an adapter that no reader has with the names of those there are', async () => {
    const { group, submit, ends } = groupOf([withLoras(['style']), withLoras(['ocr'], STARTING)]);
    await expect(group.vision(NEVER, 'none')).rejects.toMatchObject(unknown);
    await expect(group.ask({ kind: 'model_config' }, 'none')).rejects.toMatchObject(unknown);
    submit('a', null, 'none');
    await vi.advanceTimersByTimeAsync(0);
    expect(ends['a']).toMatchObject({ kind: 'refused', error: unknown });
  });

  it('lets a request wait for the reader with its adapter while others are live', () => {
    const late = withLoras(['ocr'], STARTING);
    const { submit, change } = groupOf([withLoras(['style']), late]);
    submit('a', null, 'ocr');
    expect(late.asked).toEqual([]);
    change(late, live());
    expect(late.asked).toEqual(['a']);
  });

  it('refuses a request that waits when the only reader with its adapter cannot come back', () => {
    const dying = withLoras(['ocr'], dead(1_000));
    const { submit, change, ends } = groupOf([withLoras(['style']), dying]);
    submit('a', null, 'ocr');
    change(dying, dead(null));
    expect(ends['a']).toMatchObject({ kind: 'refused', error: { code: 'request.unknown_lora' } });
  });

  it('keeps a request with an adapter waiting in a reserved group that nobody serves yet', () => {
    const { group, submit } = groupOf([], 1_000);
    submit('a', null, 'ocr');
    const first = withLoras(['ocr']);
    group.add(first);
    expect(first.asked).toEqual(['a']);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GenerateMessage, RequestEvent } from '../../link/requests/messages.js';
import { doneOf, messageOf, tokenOf } from './message.fixture.js';
import type { RequestRoute } from '../readers/open-requests.js';
import { relay, type RelayEnd, type RequestTarget } from './relay.js';

/** A reader that only remembers what it was asked. */
class Target implements RequestTarget {
  readonly asked: GenerateMessage[] = [];
  readonly cancelled: string[] = [];
  readonly stalled: string[] = [];
  route: RequestRoute = { onEvent: () => undefined, onReaderLost: () => undefined };

  generate(message: GenerateMessage, route: RequestRoute): void {
    this.asked.push(message);
    this.route = route;
  }

  cancel(requestId: string): void {
    this.cancelled.push(requestId);
  }

  reportStall(requestId: string): void {
    this.stalled.push(requestId);
  }

  say(...events: RequestEvent[]): void {
    for (const event of events) this.route.onEvent(event);
  }
}

const LIMITS = { firstTokenTimeoutMs: 1000, readerMessageTimeoutMs: 100 };

function started(promptCount = 1) {
  const target = new Target();
  const client = new AbortController();
  const shutdown = new AbortController();
  const events = relay({
    target,
    message: messageOf(promptCount),
    limits: LIMITS,
    clientGone: client.signal,
    shutdown: shutdown.signal,
  });
  return { target, client, shutdown, events };
}

/** Pulls until the end. */
async function finish(
  events: AsyncGenerator<RequestEvent, RelayEnd, undefined>,
): Promise<{ readonly seen: RequestEvent[]; readonly end: RelayEnd }> {
  const seen: RequestEvent[] = [];
  for (;;) {
    const next = await events.next();
    if (next.done === true) return { seen, end: next.value };
    seen.push(next.value);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('relay', () => {
  it('passes all events on and is complete after the last terminal one', async () => {
    const { target, events } = started(2);
    const finished = finish(events);
    const said = [tokenOf('a', 1), doneOf(1), tokenOf('b', 0), doneOf(0)];
    target.say(...said);
    expect(await finished).toEqual({ seen: said, end: { kind: 'complete' } });
    expect(target.cancelled).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('cancels in the reader when the consumer stops pulling', async () => {
    const { target, events } = started();
    const first = events.next();
    target.say(tokenOf('a'), tokenOf('b'));
    await first;
    await events.return({ kind: 'complete' });
    expect(target.cancelled).toEqual(['r']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('cancels in the reader the moment the client goes, while nobody pulls', async () => {
    const { target, client, events } = started();
    const first = events.next();
    target.say(tokenOf('a'));
    await first;
    client.abort();
    expect(target.cancelled).toEqual(['r']);
    const { seen, end } = await finish(events);
    expect(seen).toEqual([]);
    expect(end).toMatchObject({ kind: 'interrupted', by: { kind: 'client-gone' } });
  });

  it('cancels at once for a client that was gone before', async () => {
    const { target, client, events } = started();
    client.abort();
    expect((await finish(events)).end).toMatchObject({ by: { kind: 'client-gone' } });
    expect(target.cancelled).toContain('r');
  });

  it('says which prompts are open when the reader is lost, and whether anything was passed on', async () => {
    const early = started(2);
    const earlyEnd = finish(early.events);
    early.target.route.onReaderLost('killed');
    expect((await earlyEnd).end).toEqual({
      kind: 'interrupted',
      by: { kind: 'lost', reason: 'killed' },
      openPrompts: [0, 1],
      hadEvents: false,
    });
    const late = started(2);
    const lateEnd = finish(late.events);
    late.target.say(doneOf(0));
    late.target.route.onReaderLost('killed');
    expect((await lateEnd).end).toMatchObject({ openPrompts: [1], hadEvents: true });
  });

  it('gives the first token its own, longer limit', async () => {
    const { target, events } = started();
    const finished = finish(events);
    await vi.advanceTimersByTimeAsync(LIMITS.firstTokenTimeoutMs - 1);
    expect(target.cancelled).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect((await finished).end).toMatchObject({
      by: { kind: 'stalled', afterMs: LIMITS.firstTokenTimeoutMs, wasDecoding: false },
    });
    expect(target.cancelled).toEqual(['r']);
    expect(target.stalled).toEqual([]);
  });

  it('counts the pause between tokens from the last one', async () => {
    const { target, events } = started();
    const finished = finish(events);
    for (let i = 0; i < 5; i += 1) {
      target.say(tokenOf('x'));
      await vi.advanceTimersByTimeAsync(LIMITS.readerMessageTimeoutMs - 1);
    }
    expect(target.cancelled).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    const { seen, end } = await finished;
    expect(seen).toHaveLength(5);
    expect(end).toMatchObject({ by: { kind: 'stalled', wasDecoding: true } });
    expect(target.stalled).toEqual(['r']);
  });

  it('gives prompts that have not begun the longer limit, also after others of the request have ended', async () => {
    const { target, events } = started(2);
    const finished = finish(events);
    target.say(tokenOf('a', 0), doneOf(0));
    await vi.advanceTimersByTimeAsync(LIMITS.firstTokenTimeoutMs - 1);
    expect(target.cancelled).toEqual([]);
    target.say(tokenOf('b', 1));
    await vi.advanceTimersByTimeAsync(LIMITS.readerMessageTimeoutMs);
    expect((await finished).end).toMatchObject({
      by: { kind: 'stalled', afterMs: LIMITS.readerMessageTimeoutMs },
      openPrompts: [1],
    });
  });

  it('does not take a client that reads slowly for a reader that stalls', async () => {
    const { target, events } = started();
    const first = events.next();
    target.say(tokenOf('a'), tokenOf('b'), doneOf());
    await first;
    await vi.advanceTimersByTimeAsync(10 * LIMITS.firstTokenTimeoutMs);
    expect((await finish(events)).end).toEqual({ kind: 'complete' });
  });

  it('ends with what is open when the server shuts down', async () => {
    const { target, shutdown, events } = started();
    const finished = finish(events);
    shutdown.abort();
    expect((await finished).end).toMatchObject({ by: { kind: 'shutdown' }, openPrompts: [0] });
    expect(target.cancelled).toEqual(['r']);
  });
});

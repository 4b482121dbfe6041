import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RequestEvent } from '../../link/requests/messages.js';
import { deathOf, doneOf, messageOf, tokenOf } from './message.fixture.js';
import type { CancelReason } from './consumer-group.js';
import { relay, type RelayEnd } from './relay.js';
import { ScriptedGroup } from './scripted-group.fixture.js';
import { StopFlag } from './stop-flag.js';

const reasons = ({ cancelled }: ScriptedGroup): CancelReason[] => cancelled.map(({ reason }) => reason);

const LIMITS = { firstTokenTimeoutMs: 1000, readerMessageTimeoutMs: 100 };

function started(promptCount = 1) {
  const group = new ScriptedGroup();
  const client = new StopFlag();
  const shutdown = new StopFlag();
  const events = relay({
    group,
    submission: { message: messageOf(promptCount), preparedFor: null },
    limits: LIMITS,
    onEvent: () => undefined,
    clientGone: client,
    shutdown,
  });
  return { group, client, shutdown, events };
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
    const { group, events } = started(2);
    const finished = finish(events);
    const said = [tokenOf('a', 1), doneOf(1), tokenOf('b', 0), doneOf(0)];
    group.say(...said);
    expect(await finished).toEqual({ seen: said, end: { kind: 'complete' } });
    expect(reasons(group)).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('cancels in the reader when the consumer stops pulling', async () => {
    const { group, events } = started();
    const first = events.next();
    group.say(tokenOf('a'), tokenOf('b'));
    await first;
    await events.return({ kind: 'complete' });
    expect(reasons(group)).toEqual(['unwanted']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('cancels in the reader the moment the client goes, while nobody pulls', async () => {
    const { group, client, events } = started();
    const first = events.next();
    group.say(tokenOf('a'));
    await first;
    client.raise();
    expect(reasons(group)).toEqual(['unwanted']);
    const { seen, end } = await finish(events);
    expect(seen).toEqual([]);
    expect(end).toMatchObject({ kind: 'interrupted', by: { kind: 'client-gone' } });
  });

  it('cancels at once for a client that was gone before', async () => {
    const { group, client, events } = started();
    client.raise();
    expect((await finish(events)).end).toMatchObject({ by: { kind: 'client-gone' } });
    expect(reasons(group)).toEqual(['unwanted']);
  });

  it('says which prompts are open when the reader is lost, and whether anything was passed on', async () => {
    const death = deathOf('r');
    const early = started(2);
    const earlyEnd = finish(early.events);
    early.group.end('r', { kind: 'lost', death });
    expect((await earlyEnd).end).toEqual({
      kind: 'interrupted',
      by: { kind: 'lost', death },
      openPrompts: [0, 1],
      hadEvents: false,
    });
    const late = started(2);
    const lateEnd = finish(late.events);
    late.group.say(doneOf(0));
    late.group.end('r', { kind: 'lost', death });
    expect((await lateEnd).end).toMatchObject({ openPrompts: [1], hadEvents: true });
  });

  it('gives the first token its own, longer limit', async () => {
    const { group, events } = started();
    const finished = finish(events);
    await vi.advanceTimersByTimeAsync(LIMITS.firstTokenTimeoutMs - 1);
    expect(reasons(group)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect((await finished).end).toMatchObject({
      by: { kind: 'stalled', afterMs: LIMITS.firstTokenTimeoutMs, wasDecoding: false },
    });
    expect(reasons(group)).toEqual(['unwanted']);
  });

  it('counts the pause between tokens from the last one', async () => {
    const { group, events } = started();
    const finished = finish(events);
    for (let i = 0; i < 5; i += 1) {
      group.say(tokenOf('x'));
      await vi.advanceTimersByTimeAsync(LIMITS.readerMessageTimeoutMs - 1);
    }
    expect(reasons(group)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    const { seen, end } = await finished;
    expect(seen).toHaveLength(5);
    expect(end).toMatchObject({ by: { kind: 'stalled', wasDecoding: true } });
    expect(reasons(group)).toEqual(['stalled']);
  });

  it('gives prompts that have not begun the longer limit, also after others of the request have ended', async () => {
    const { group, events } = started(2);
    const finished = finish(events);
    group.say(tokenOf('a', 0), doneOf(0));
    await vi.advanceTimersByTimeAsync(LIMITS.firstTokenTimeoutMs - 1);
    expect(reasons(group)).toEqual([]);
    group.say(tokenOf('b', 1));
    await vi.advanceTimersByTimeAsync(LIMITS.readerMessageTimeoutMs);
    expect((await finished).end).toMatchObject({
      by: { kind: 'stalled', afterMs: LIMITS.readerMessageTimeoutMs },
      openPrompts: [1],
    });
  });

  it('does not take a client that reads slowly for a reader that stalls', async () => {
    const { group, events } = started();
    const first = events.next();
    group.say(tokenOf('a'), tokenOf('b'), doneOf());
    await first;
    await vi.advanceTimersByTimeAsync(10 * LIMITS.firstTokenTimeoutMs);
    expect((await finish(events)).end).toEqual({ kind: 'complete' });
  });

  it('ends with what is open when the server shuts down', async () => {
    const { group, shutdown, events } = started();
    const finished = finish(events);
    shutdown.raise();
    expect((await finished).end).toMatchObject({ by: { kind: 'shutdown' }, openPrompts: [0] });
    expect(reasons(group)).toEqual(['unwanted']);
  });
});

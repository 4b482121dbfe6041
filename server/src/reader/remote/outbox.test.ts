import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { doneOf } from '../../gateway/answer/message.fixture.js';
import { parseEvents, type EventItem } from '../../link/redis/messages.js';
import { RedisUnreachable } from '../../link/redis/redis-connection.js';
import { Outbox } from './outbox.js';

/** A stream that takes entries when it is told to; until then the sender waits. */
class Stream {
  readonly entries: (readonly EventItem[])[] = [];
  readonly #waiting: { text: string; resolve: () => void; reject: (error: Error) => void }[] = [];
  failures = 0;

  run = (
    _script: unknown,
    _keys: readonly string[],
    [text]: readonly (string | Buffer)[],
  ): Promise<unknown> =>
    new Promise<void>((resolve, reject) => {
      this.#waiting.push({ text: String(text), resolve, reject });
    });

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes the next entry, once it comes. */
  async answer(): Promise<void> {
    await vi.waitUntil(() => this.#waiting.length > 0, { interval: 1, timeout: 20_000 });
    const asked = this.#waiting.shift();
    if (asked === undefined) return;
    if (this.failures > 0) {
      this.failures -= 1;
      asked.reject(new RedisUnreachable('it is away'));
      return;
    }
    this.entries.push(parseEvents(asked.text)?.items ?? []);
    asked.resolve();
    await new Promise(setImmediate);
  }
}

const event = (seq: number, text = 'x', run = 'run'): EventItem => ({
  kind: 'event',
  seq,
  event: { kind: 'token', requestId: run, prompt: 0, text },
});
const doneEvent = (seq: number): EventItem => ({ kind: 'event', seq, event: doneOf(0, 'run') });
const seqsOf = (items: readonly EventItem[] | undefined): unknown[] =>
  (items ?? []).map((item) => (item.kind === 'event' ? item.seq : item.kind));

function createOutbox() {
  const stream = new Stream();
  const overflown: string[] = [];
  const outbox = new Outbox({
    connection: stream,
    stream: 'events',
    reader: 'r',
    onOverflow: (run) => overflown.push(run),
  });
  return { stream, outbox, overflown };
}

describe('the outbox of a reader', () => {
  it('puts what is said in one turn into one entry', async () => {
    const { stream, outbox } = createOutbox();
    for (const seq of [0, 1, 2]) outbox.push(event(seq));
    await stream.answer();
    expect(stream.entries.map(seqsOf)).toEqual([[0, 1, 2]]);
  });

  it('keeps what is said while an entry is under way for the next one', async () => {
    const { stream, outbox } = createOutbox();
    outbox.push(event(0));
    await new Promise(setImmediate);
    outbox.push(event(1));
    outbox.push(event(2));
    await stream.answer();
    await stream.answer();
    expect(stream.entries.map(seqsOf)).toEqual([[0], [1, 2]]);
  });

  describe('by the clock', () => {
    beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
    afterEach(() => vi.useRealTimers());

    async function afterOneEntry() {
      const { stream, outbox } = createOutbox();
      outbox.push(event(0));
      await new Promise(setImmediate);
      await stream.answer();
      return { stream, outbox };
    }

    it('puts steps within 5 ms into one entry, in their order', async () => {
      const { stream, outbox } = await afterOneEntry();
      for (const seq of [1, 2, 3]) {
        outbox.push(event(seq));
        await new Promise(setImmediate);
      }
      expect(stream.waiting).toBe(0);
      await vi.advanceTimersByTimeAsync(5);
      await stream.answer();
      expect(stream.entries.map(seqsOf)).toEqual([[0], [1, 2, 3]]);
    });

    it('tells a step at once that comes later than that', async () => {
      const { stream, outbox } = await afterOneEntry();
      await vi.advanceTimersByTimeAsync(5);
      outbox.push(event(1));
      await new Promise(setImmediate);
      expect(stream.waiting).toBe(1);
    });

    it('tells the end of an answer at once, with all that was said before', async () => {
      const { stream, outbox } = await afterOneEntry();
      outbox.push(event(1));
      await new Promise(setImmediate);
      expect(stream.waiting).toBe(0);
      outbox.push({ kind: 'event', seq: 2, event: doneOf(0, 'run') });
      await new Promise(setImmediate);
      await stream.answer();
      expect(stream.entries.map(seqsOf)).toEqual([[0], [1, 2]]);
    });
  });

  it('sends what was not taken again, in order', async () => {
    const { stream, outbox } = createOutbox();
    stream.failures = 1;
    outbox.push(event(0));
    await stream.answer();
    outbox.push(event(1));
    await stream.answer();
    expect(stream.entries.map(seqsOf)).toEqual([[0, 1]]);
  });

  it('cuts many long events into entries that are read at once', async () => {
    const { stream, outbox } = createOutbox();
    for (const seq of [0, 1, 2]) outbox.push(event(seq, 'x'.repeat(30_000)));
    await stream.answer();
    await stream.answer();
    expect(stream.entries.map(seqsOf)).toEqual([[0, 1], [2]]);
  });

  it('drops what a run has unsent beyond 4 MiB and says so, and nothing of other runs', async () => {
    const { stream, outbox, overflown } = createOutbox();
    outbox.push(event(0, 'x', 'other'));
    for (let seq = 0; seq < 70; seq += 1) outbox.push(event(seq, 'x'.repeat(62_000)));
    expect(overflown).toEqual(['run']);
    await stream.answer();
    expect(stream.entries.map(seqsOf)[0]?.[0]).toBe(0);
  });

  it('tells again what is missing of a run, before what follows, and nothing of other runs', async () => {
    const { stream, outbox } = createOutbox();
    for (const seq of [0, 1, 2]) outbox.push(event(seq));
    outbox.push(event(0, 'x', 'other'));
    await stream.answer();
    outbox.push(event(3));
    expect(outbox.tellAgain('run', 1)).toBe(true);
    outbox.push(event(4));
    await stream.answer();
    expect(stream.entries.map(seqsOf)).toEqual([
      [0, 1, 2, 0],
      [1, 2, 3, 4],
    ]);
  });

  it('does not take what is under way for told where something before it is missing', async () => {
    const { stream, outbox } = createOutbox();
    outbox.push(event(0));
    await stream.answer();
    outbox.push(doneEvent(1));
    await vi.waitUntil(() => stream.waiting > 0, { timeout: 20_000 });
    expect(outbox.tellAgain('run', 0)).toBe(true);
    await stream.answer();
    await stream.answer();
    expect(stream.entries.map(seqsOf)).toEqual([[0], [1], [0, 1]]);
    expect(outbox.tellAgain('run', 1)).toBe(true);
  });

  it('has nothing to tell again of a run that it does not know, or whose missing event it has forgotten', async () => {
    const { stream, outbox } = createOutbox();
    for (let seq = 0; seq < 4; seq += 1) {
      outbox.push(event(seq, 'x'.repeat(3_000_000)));
      await stream.answer();
    }
    expect(outbox.tellAgain('other', 0)).toBe(false);
    expect(outbox.tellAgain('run', 3)).toBe(true);
    expect(outbox.tellAgain('run', 0)).toBe(false);
  });

  it('forgets what was sent after 40 s', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    try {
      const { stream, outbox } = createOutbox();
      outbox.push(event(0));
      await stream.answer();
      outbox.tick();
      expect(outbox.isEmpty).toBe(false);
      vi.advanceTimersByTime(40_000);
      outbox.tick();
      expect(outbox.isEmpty).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });

  it('forgets everything for a gateway that is gone', async () => {
    const { stream, outbox } = createOutbox();
    outbox.push(event(0));
    outbox.clear();
    await outbox.idle();
    expect(stream.entries).toEqual([]);
  });
});

describe('an outbox that is told something while it ends', () => {
  it.each([0, 1, 2, 3, 4, 5, 6])('sends it, %i turns after the reply', async (turns) => {
    const sent: unknown[] = [];
    let more = true;
    const outbox: Outbox = new Outbox({
      connection: {
        run: (_script, _keys, [text]) => {
          sent.push(...seqsOf(parseEvents(String(text))?.items));
          const reply = Promise.resolve();
          if (more) void saySoonAfter(reply);
          more = false;
          return reply;
        },
      },
      stream: 's',
      reader: 'r',
      onOverflow: () => undefined,
    });
    const saySoonAfter = async (reply: Promise<void>): Promise<void> => {
      await reply;
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      outbox.push(event(1));
    };
    outbox.push(event(0));
    await expect.poll(() => sent).toEqual([0, 1]);
  });
});

import { describe, expect, it } from 'vitest';
import type { DoneEvent } from '../../link/requests/messages.js';
import { doneOf, tokenOf } from './message.fixture.js';
import { RequestRecord, type PromptTimings } from './request-record.js';

/** Of a request whose first byte came at 1000 and whose body was there 5 ms later. */
function started() {
  const clock = { nowMs: 1005 };
  const record = new RequestRecord(1000, { clock: () => clock.nowMs });
  return { clock, record };
}

const worked = (prompt = 0): DoneEvent => ({
  ...doneOf(prompt),
  times: { visionMs: 30, prefillMs: 20, decodeMs: 40 },
});

const sumOfStages = (timings: PromptTimings): number =>
  timings.receiveMs +
  timings.decodeImageMs +
  timings.queueMs +
  timings.visionMs +
  timings.prefillMs +
  timings.decodeMs;

describe('RequestRecord', () => {
  it('joins the stages of gateway and reader; what nobody worked on was waiting', async () => {
    const { clock, record } = started();
    await record.whileDecodingImages(() => Promise.resolve((clock.nowMs = 1025)));
    clock.nowMs = 1130;
    record.hear(tokenOf('a'));
    clock.nowMs = 1200;
    record.hear(worked());
    expect(record.finished.map(({ timings }) => timings)).toEqual([
      {
        receiveMs: 5,
        decodeImageMs: 20,
        queueMs: 85,
        visionMs: 30,
        prefillMs: 20,
        decodeMs: 40,
        firstTokenMs: 130,
        totalMs: 200,
      },
    ]);
  });

  it('has stages for each prompt of a list that add up to the total of that prompt', () => {
    const { clock, record } = started();
    for (const prompt of [2, 0, 1]) {
      clock.nowMs += 150;
      record.hear(tokenOf('a', prompt));
      clock.nowMs += 10;
      record.hear(worked(prompt));
    }
    const totals = record.finished.map(({ prompt, timings }) => [prompt, timings.totalMs]);
    expect(totals).toEqual([
      [2, 165],
      [0, 325],
      [1, 485],
    ]);
    for (const { timings } of record.finished) expect(sumOfStages(timings)).toBe(timings.totalMs);
  });

  it('dates events by their arrival, however late they are taken', () => {
    const { clock, record } = started();
    clock.nowMs = 1200;
    record.hear(worked());
    clock.nowMs = 60_000;
    expect(record.complete(worked())).toMatchObject({ timings: { totalMs: 200, firstTokenMs: null } });
  });

  it('counts the time of images that failed, and the first token only', async () => {
    const { clock, record } = started();
    const failing = record.whileDecodingImages(() => {
      clock.nowMs = 1050;
      return Promise.reject(new RangeError('broken'));
    });
    await expect(failing).rejects.toThrow('broken');
    expect(record.decodeImageMs).toBe(45);
    record.hear(tokenOf('a'));
    clock.nowMs = 1100;
    record.hear(tokenOf('b'));
    expect(record.firstTokensMs).toEqual([50]);
  });

  it('forgets the answer of a reader that another one replaces', () => {
    const { clock, record } = started();
    record.hear(tokenOf('a'));
    record.hear(worked());
    record.beginAnew();
    expect(record.finished).toEqual([]);
    clock.nowMs = 1500;
    record.hear(tokenOf('a'));
    expect(record.firstTokensMs).toEqual([500]);
  });

  it('never says that a prompt waited less than nothing', () => {
    const { clock, record } = started();
    clock.nowMs = 1020;
    record.hear(worked());
    expect(record.finished).toMatchObject([{ timings: { queueMs: 0, totalMs: 20 } }]);
  });

  it('takes every other event for complete', () => {
    const { record } = started();
    expect(record.complete(tokenOf('a'))).toEqual(tokenOf('a'));
    expect(() => record.complete(doneOf())).toThrow('unheard');
  });
});

import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createFetchSlots } from './fetch-slots.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});
const never = new AbortController().signal;
/** Work that ends when it is told to. */
function held() {
  let end: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { work: () => done, end: () => end() };
}

it('runs as many at once as there are slots, the rest in order of arrival', async () => {
  const slots = createFetchSlots({ slots: 2 });
  const works = [held(), held(), held(), held()];
  const started: number[] = [];
  const uses = works.map(({ work }, index) =>
    slots.use(never, () => {
      started.push(index);
      return work();
    }),
  );
  await Promise.resolve();
  expect(started).toEqual([0, 1]);
  works[1]?.end();
  await uses[1];
  await Promise.resolve();
  expect(started).toEqual([0, 1, 2]);
  for (const { end } of works) end();
  await Promise.all(uses);
  expect(started).toEqual([0, 1, 2, 3]);
});

it('gives a slot back when its work fails', async () => {
  const slots = createFetchSlots({ slots: 1 });
  await expect(slots.use(never, () => Promise.reject(new TypeError('broken')))).rejects.toThrow('broken');
  await expect(slots.use(never, () => Promise.resolve(5))).resolves.toBe(5);
});

it('refuses who finds the queue full, and who waited too long, naming the setting', async () => {
  const slots = createFetchSlots({ slots: 1, maxWaiting: 1, maxWaitMs: 100 });
  const first = held();
  const running = slots.use(never, first.work);
  const waiting = slots.use(never, () => Promise.resolve());
  const refused = expect(waiting).rejects.toMatchObject({ code: 'image.fetch_busy' });
  await expect(slots.use(never, () => Promise.resolve())).rejects.toThrow('remote_image_concurrency');
  await vi.advanceTimersByTimeAsync(100);
  await refused;
  first.end();
  await running;
  await expect(slots.use(never, () => Promise.resolve(1))).resolves.toBe(1);
});

it('lets a client that left out of the queue, and starts nothing for it', async () => {
  const slots = createFetchSlots({ slots: 1, maxWaiting: 1 });
  const first = held();
  const running = slots.use(never, first.work);
  const gone = new AbortController();
  const work = vi.fn(() => Promise.resolve());
  const waiting = slots.use(gone.signal, work);
  gone.abort(new TypeError('gone'));
  await expect(waiting).rejects.toThrow('gone');
  // Its place in the queue is free again.
  const next = slots.use(never, () => Promise.resolve(2));
  first.end();
  await running;
  await expect(next).resolves.toBe(2);
  expect(work).not.toHaveBeenCalled();
});

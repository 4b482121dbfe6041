import { describe, expect, it } from 'vitest';
import { WaitingQueue } from './waiting-queue.js';

/** Takes all out, one after the other; what is taken runs on. */
function drain(queue: WaitingQueue<string>, running: Record<string, number> = {}): string[] {
  const order: string[] = [];
  const count = (requestId: string) => running[requestId] ?? 0;
  for (let next = queue.next(count); next !== undefined; next = queue.next(count)) {
    queue.take(count);
    order.push(next);
    const [requestId = ''] = next;
    running[requestId] = count(requestId) + 1;
  }
  return order;
}

function fill(...items: string[]): WaitingQueue<string> {
  const queue = new WaitingQueue<string>();
  for (const item of items) queue.push(item[0] ?? '', item);
  return queue;
}

describe('WaitingQueue', () => {
  it('serves requests of one prompt in the order in which they came', () => {
    expect(drain(fill('a', 'b', 'c'))).toEqual(['a', 'b', 'c']);
  });

  it('serves the prompts of a list in order, in turns with other requests', () => {
    expect(drain(fill('a0', 'a1', 'a2', 'b0', 'b1', 'c0'))).toEqual(['a0', 'b0', 'c0', 'a1', 'b1', 'a2']);
  });

  it('serves a request of which nothing runs before a list that has places', () => {
    expect(drain(fill('a7', 'a8', 'b0'), { a: 7 })).toEqual(['b0', 'a7', 'a8']);
  });

  it('serves a list that has no place before requests that came after it', () => {
    expect(drain(fill('a0', 'b0', 'c0'))).toEqual(['a0', 'b0', 'c0']);
  });

  it('serves what was put back before all, what had its place first before the others', () => {
    const queue = fill('a', 'b');
    queue.putBack('y', 'younger');
    queue.putBack('o', 'older');
    expect(queue.size).toBe(4);
    expect(drain(queue)).toEqual(['older', 'younger', 'a', 'b']);
    expect(queue.size).toBe(0);
  });

  it('takes out all of a request at once, whether it was put back or not', () => {
    const queue = fill('a0', 'b0', 'a1');
    queue.putBack('a', 'a back');
    queue.putBack('b', 'b back');
    expect(queue.remove('a')).toEqual(['a back', 'a0', 'a1']);
    expect(queue.remove('a')).toEqual([]);
    expect(queue.size).toBe(2);
    expect(queue.clear()).toEqual(['b back', 'b0']);
    expect(queue.size).toBe(0);
  });
});

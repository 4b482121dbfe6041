import { describe, expect, it } from 'vitest';
import { ClusterError, Defect } from '../../errors.js';
import { GREEDY } from '../../link/requests/greedy.js';
import type { GenerateMessage, RequestEvent } from '../../link/requests/messages.js';
import type { PromptToAnswer } from './answer-prompt.js';
import { PromptQueue } from './prompt-queue.js';

const raw = { kind: 'raw', parts: [] } as const;
const message = (requestId: string, promptCount = 1): GenerateMessage => ({
  kind: 'generate',
  requestId,
  prompts: Array.from({ length: promptCount }, () => raw),
  images: [],
  promptMaxTokens: null,
  imageTokenBudget: null,
  cacheSalt: null,
  loraId: null,
  sampling: GREEDY,
  constraint: null,
});

function createQueue(maxRunning = 2) {
  const events: RequestEvent[] = [];
  const defects: unknown[] = [];
  const running = new Map<string, { end: () => void; fail: (error: Error) => void; signal: AbortSignal }>();
  const send = (event: RequestEvent): void => void events.push(event);
  const queue = new PromptQueue({
    maxRunning,
    send,
    answer: ({ message: { requestId }, prompt, signal }: PromptToAnswer) =>
      new Promise<void>((resolve, reject) => {
        const end = (): void => {
          running.delete(`${requestId}/${prompt}`);
          resolve();
        };
        signal.addEventListener('abort', end);
        running.set(`${requestId}/${prompt}`, { end, fail: reject, signal });
      }),
    onDefect: (error) => defects.push(error),
  });
  const end = async (name: string): Promise<void> => {
    running.get(name)?.end();
    await new Promise(setImmediate);
  };
  return { queue, events, defects, running, end };
}

describe('the queue of a reader of a cluster', () => {
  it('has as many prompts answered at once as the reader may, the others in order', async () => {
    const { queue, running, end } = createQueue();
    queue.accept(message('a', 2));
    queue.accept(message('b'));
    expect([...running.keys()]).toEqual(['a/0', 'a/1']);
    expect(queue.counts).toEqual({ running: 2, waiting: 1 });
    await end('a/1');
    expect([...running.keys()]).toEqual(['a/0', 'b/0']);
  });

  it('ends waiting and running prompts of a request that nobody waits for', async () => {
    const { queue, running, events } = createQueue(1);
    queue.accept(message('a', 2));
    queue.accept(message('b'));
    queue.cancel('a');
    expect(events).toMatchObject([{ requestId: 'a', prompt: 1, finishReason: 'cancelled' }]);
    await new Promise(setImmediate);
    expect([...running.keys()]).toEqual(['b/0']);
  });

  it('begins no more than it is limited to, and never more than at first', async () => {
    const { queue, running, end } = createQueue();
    queue.limitRunning(1);
    queue.accept(message('a', 4));
    expect(running.size).toBe(1);
    queue.limitRunning(9);
    expect(running.size).toBe(2);
    await end('a/0');
    expect(running.size).toBe(2);
  });

  it('ends everything, also what comes later, when the cluster is gone', async () => {
    const { queue, running, events } = createQueue(1);
    queue.accept(message('a', 2));
    const { signal } = running.get('a/0') ?? {};
    const gone = new ClusterError('cluster.unreachable', 'gone');
    await queue.fail(gone);
    expect(signal?.reason).toBe(gone);
    queue.accept(message('b'));
    const error = { kind: 'error', code: 'cluster.unreachable', message: 'gone' };
    expect(events).toMatchObject([
      { ...error, requestId: 'a', prompt: 1 },
      { ...error, requestId: 'b', prompt: 0 },
    ]);
    expect(queue.counts).toEqual({ running: 0, waiting: 0 });
  });

  it('is idle when nothing waits or runs', async () => {
    const { queue, end } = createQueue(1);
    await queue.idle();
    queue.accept(message('a', 2));
    let isIdle = false;
    void queue.idle().then(() => {
      isIdle = true;
    });
    await end('a/0');
    expect(isIdle).toBe(false);
    await end('a/1');
    expect(isIdle).toBe(true);
  });

  it('answers everything before it reports a defect', async () => {
    const { queue, running, events, defects } = createQueue(1);
    queue.accept(message('a', 2));
    const defect = new Defect('broken');
    running.get('a/0')?.fail(defect);
    await new Promise(setImmediate);
    expect(events).toMatchObject([
      { prompt: 0, code: 'server.internal' },
      { prompt: 1, code: 'server.internal' },
    ]);
    expect(defects).toEqual([defect]);
  });
});

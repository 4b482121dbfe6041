import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  IncompleteStreamError,
  InvalidInputError,
  TakeoffApiError,
  UnexpectedAnswerError,
} from './errors.js';
import { TakeoffClient, type StreamPiece } from './index.js';
import {
  answer,
  failure,
  metadataEvent,
  PARSED_METADATA,
  ScriptedFetch,
  ScriptedStream,
} from './scripted-fetch.fixture.js';

afterEach(() => {
  vi.useRealTimers();
});

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const clientOf = ({ fetch }: ScriptedStream | ScriptedFetch): TakeoffClient => new TakeoffClient({ fetch });
const A_CAT = ['data:A\n\n', 'data:  cat\n\n', 'data:.\n\n'];
const whole = (): ScriptedStream => new ScriptedStream([...A_CAT, metadataEvent()]);
const failureOf = (call: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(call).then(
    () => 'no failure',
    (error: unknown) => error,
  );

const bodyOf = ({ seen: [call] }: ScriptedStream): string =>
  typeof call?.init.body === 'string' ? call.init.body : '';

async function piecesOf(stream: AsyncIterable<StreamPiece>): Promise<StreamPiece[]> {
  const pieces: StreamPiece[] = [];
  for await (const piece of stream) pieces.push(piece);
  return pieces;
}

describe('generateStream', () => {
  it('yields the pieces of the answer and no metadata that was not asked for', async () => {
    const server = whole();
    expect(await piecesOf(clientOf(server).generateStream('a'))).toEqual([
      { text: 'A' },
      { text: ' cat' },
      { text: '.' },
    ]);
    expect(server.seen[0]?.url).toBe('http://localhost:3000/generate_stream');
    expect(JSON.parse(bodyOf(server))).toEqual({ text: 'a', return_metadata: true });
  });

  it('skips comments, which a server sends while it has no token yet', async () => {
    const comment = ': still working\n\n';
    const chunks = A_CAT.flatMap((event) => [comment, comment, event]);
    const server = new ScriptedStream([...chunks, comment, metadataEvent()]);
    const stream = clientOf(server).generateStream('a');
    expect(await piecesOf(stream)).toHaveLength(3);
    expect(await stream).toEqual({ text: 'A cat.' });
  });

  it('resolves to the whole answer when awaited before, during or after iteration', async () => {
    expect(await clientOf(whole()).generateStream('a')).toEqual({ text: 'A cat.' });
    const during = clientOf(whole()).generateStream('a');
    const [pieces, answered] = await Promise.all([piecesOf(during), during]);
    expect([pieces.length, answered]).toEqual([3, { text: 'A cat.' }]);
    expect(await during).toEqual({ text: 'A cat.' });
  });

  it('resolves with metadata when it was asked for', async () => {
    expect(await clientOf(whole()).generateStream('a', { returnMetadata: true })).toEqual({
      text: 'A cat.',
      metadata: PARSED_METADATA,
    });
  });

  it('gives the pieces of a list their batchId', async () => {
    const server = new ScriptedStream([
      'data:{"text":"b","batch_id":1}\n\ndata:{"text":"a","batch_id":0}\n\n',
      metadataEvent(1) + 'data:{"text":"A","batch_id":0}\n\n' + metadataEvent(0),
    ]);
    const stream = clientOf(server).generateStream(['x', 'y'], { returnMetadata: true });
    expect(await piecesOf(stream)).toEqual([
      { text: 'b', batchId: 1 },
      { text: 'a', batchId: 0 },
      { text: 'A', batchId: 0 },
    ]);
    expect(await stream).toEqual({ text: ['aA', 'b'], metadata: [PARSED_METADATA, PARSED_METADATA] });
  });

  it('yields text that looks like a metadata event as text when another event follows', async () => {
    const json = metadataEvent().slice('data:'.length).trim();
    const server = new ScriptedStream([metadataEvent(), metadataEvent(), metadataEvent()]);
    expect(await clientOf(server).generateStream('a')).toEqual({ text: json + json });
  });

  it('sends an image to /image_generate_stream', async () => {
    const server = whole();
    await clientOf(server).generateStream('a', { image: new Uint8Array([1]) });
    expect(server.seen[0]?.url).toBe('http://localhost:3000/image_generate_stream');
  });

  it('sends no request before it is iterated or awaited', async () => {
    const server = whole();
    const stream = clientOf(server).generateStream('a');
    await nextTurn();
    expect(server.seen).toHaveLength(0);
    await stream;
    expect(server.seen).toHaveLength(1);
  });

  it('refuses to be iterated a second time', async () => {
    const stream = clientOf(whole()).generateStream('a');
    await stream;
    await expect(piecesOf(stream)).rejects.toThrow(InvalidInputError);
  });
});

describe('leaving the loop over generateStream', () => {
  it('aborts the request and rejects the whole answer', async () => {
    const server = new ScriptedStream(A_CAT, 'silence');
    const stream = clientOf(server).generateStream('a');
    for await (const { text } of stream) {
      expect(text).toBe('A');
      break;
    }
    expect(server.isCancelled).toBe(true);
    expect(server.seen[0]?.init.signal?.aborted).toBe(true);
    expect(await failureOf(stream)).toBeInstanceOf(IncompleteStreamError);
  });

  it('aborts the request when the loop is left by an error', async () => {
    const server = new ScriptedStream(A_CAT, 'silence');
    const bug = new RangeError('bug');
    await expect(
      (async () => {
        for await (const { text } of clientOf(server).generateStream('a')) if (text === 'A') throw bug;
      })(),
    ).rejects.toBe(bug);
    expect(server.isCancelled).toBe(true);
  });

  it('ends a pending wait for the next piece', async () => {
    const server = new ScriptedStream([], 'silence');
    const pieces = clientOf(server).generateStream('a')[Symbol.asyncIterator]();
    const next = failureOf(pieces.next());
    await vi.waitUntil(() => server.isRead, { timeout: 20_000 });
    await pieces.return?.();
    expect(await next).toMatchObject({ name: 'AbortError' });
    expect(server.isCancelled).toBe(true);
  });

  it('sends no request when nothing was read before', async () => {
    const server = whole();
    const pieces = clientOf(server).generateStream('a')[Symbol.asyncIterator]();
    await pieces.return?.();
    expect(await pieces.next()).toEqual({ done: true, value: undefined });
    expect(server.seen).toHaveLength(0);
  });
});

describe('generateStream over a broken stream', () => {
  it.each([
    ['whose connection breaks', 'break', A_CAT],
    ['that a proxy closes without an error', 'close', A_CAT],
    ['without any event', 'close', []],
    ['that is cut inside its last event', 'close', [...A_CAT, metadataEvent().slice(0, -1)]],
  ] as const)('rejects with IncompleteStreamError for one %s', async (_, ending, chunks) => {
    const server = new ScriptedStream(chunks, ending);
    const stream = clientOf(server).generateStream('a');
    await expect(piecesOf(stream)).rejects.toThrow(IncompleteStreamError);
    expect(await failureOf(stream)).toMatchObject({ code: 'client.incomplete_stream' });
    expect(server.seen).toHaveLength(1);
  });

  it('rejects with IncompleteStreamError when one prompt of a list has no last event', async () => {
    const server = new ScriptedStream(['data:{"text":"b","batch_id":1}\n\n', metadataEvent(1)]);
    await expect(piecesOf(clientOf(server).generateStream(['x', 'y']))).rejects.toThrow(
      IncompleteStreamError,
    );
  });

  it('yields the pieces before an error event and rejects with its code', async () => {
    const error = 'event: error\ndata:{"error":{"code":"reader.died","message":"The reader ended."}}\n\n';
    const stream = clientOf(new ScriptedStream(['data:A\n\n' + error])).generateStream('a');
    const pieces = stream[Symbol.asyncIterator]();
    expect(await pieces.next()).toEqual({ done: false, value: { text: 'A' } });
    const thrown = await failureOf(pieces.next());
    expect(thrown).toBeInstanceOf(TakeoffApiError);
    expect(thrown).toMatchObject({ code: 'reader.died', status: 200, requestId: 'r1' });
    expect(await pieces.next()).toEqual({ done: true, value: undefined });
    expect(await failureOf(stream)).toBe(thrown);
  });

  it('rejects with the error answer of a server that refuses the request', async () => {
    const server = new ScriptedFetch(failure(400, 'request.does_not_fit'));
    expect(await failureOf(clientOf(server).generateStream('a'))).toMatchObject({
      code: 'request.does_not_fit',
    });
  });

  it.each([
    ['a JSON body', answer({ text: 'yes' })],
    ['an endless event', new ScriptedStream(['data:' + 'x'.repeat(1 << 20) + 'x']).response()],
  ])('rejects with UnexpectedAnswerError for %s', async (_, response) => {
    const server = new ScriptedFetch(response);
    expect(await failureOf(clientOf(server).generateStream('a'))).toBeInstanceOf(UnexpectedAnswerError);
  });

  it.each(['{"text":"b","batch_id":2}', '{"text":"b"}', 'b', '{"batch_id":0}'])(
    'rejects with UnexpectedAnswerError for the event %s in the stream of a list',
    async (data) => {
      const server = new ScriptedStream([`data:${data}\n\n`]);
      expect(await failureOf(clientOf(server).generateStream(['x', 'y']))).toBeInstanceOf(
        UnexpectedAnswerError,
      );
    },
  );
});

describe('generateStream and the AbortSignal of a call', () => {
  it('ends at once, also when more pieces have arrived already', async () => {
    const controller = new AbortController();
    const server = new ScriptedStream([A_CAT.join('') + metadataEvent()]);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { text } of clientOf(server).generateStream('a', { signal: controller.signal })) {
        seen.push(text);
        controller.abort(new RangeError('enough'));
      }
    })();
    await expect(reading).rejects.toThrow('enough');
    expect(seen).toEqual(['A']);
  });

  it("ends iteration and whole answer with the signal's reason", async () => {
    const controller = new AbortController();
    const server = new ScriptedStream(A_CAT, 'silence');
    const reason = new RangeError('enough');
    const stream = clientOf(server).generateStream('a', { signal: controller.signal });
    const seen: string[] = [];
    await expect(
      (async () => {
        for await (const { text } of stream) {
          seen.push(text);
          if (seen.length === 2) controller.abort(reason);
        }
      })(),
    ).rejects.toBe(reason);
    expect(seen).toEqual(['A', ' cat']);
    expect(await failureOf(stream)).toBe(reason);
  });
});

it('generateStream counts timeoutMs between pieces, not over the whole answer', async () => {
  vi.useFakeTimers();
  let send: (text: string) => void = () => undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      send = (text) => controller.enqueue(new TextEncoder().encode(text));
    },
  });
  const response = new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  const client = new TakeoffClient({
    timeoutMs: 1000,
    fetch: (_, { signal }) => {
      signal?.addEventListener('abort', () => void body.cancel().catch(() => undefined));
      return Promise.resolve(response);
    },
  });
  const pieces = client.generateStream('a')[Symbol.asyncIterator]();
  for (let round = 0; round < 5; round += 1) {
    const next = pieces.next();
    await vi.advanceTimersByTimeAsync(900);
    send('data:x\n\n');
    expect(await next).toEqual({ done: false, value: { text: 'x' } });
  }
  await pieces.return?.();
  expect(vi.getTimerCount()).toBe(0);
});

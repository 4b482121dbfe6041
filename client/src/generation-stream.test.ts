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

describe('a stream', () => {
  it('gives its pieces, without the metadata that nobody asked for', async () => {
    const server = whole();
    expect(await piecesOf(clientOf(server).generateStream('a'))).toEqual([
      { text: 'A' },
      { text: ' cat' },
      { text: '.' },
    ]);
    expect(server.seen[0]?.url).toBe('http://localhost:3000/generate_stream');
    expect(JSON.parse(bodyOf(server))).toEqual({ text: 'a', return_metadata: true });
  });

  it('gives the whole answer when awaited, before, during or after its pieces', async () => {
    expect(await clientOf(whole()).generateStream('a')).toEqual({ text: 'A cat.' });
    const during = clientOf(whole()).generateStream('a');
    const [pieces, answered] = await Promise.all([piecesOf(during), during]);
    expect([pieces.length, answered]).toEqual([3, { text: 'A cat.' }]);
    expect(await during).toEqual({ text: 'A cat.' });
  });

  it('gives metadata with the whole when asked', async () => {
    expect(await clientOf(whole()).generateStream('a', { returnMetadata: true })).toEqual({
      text: 'A cat.',
      metadata: PARSED_METADATA,
    });
  });

  it('of a list says which prompt a piece belongs to', async () => {
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

  it('takes text that looks like metadata for text where more follows', async () => {
    const json = metadataEvent().slice('data:'.length).trim();
    const server = new ScriptedStream([metadataEvent(), metadataEvent(), metadataEvent()]);
    expect(await clientOf(server).generateStream('a')).toEqual({ text: json + json });
  });

  it('sends the image to the streaming image endpoint', async () => {
    const server = whole();
    await clientOf(server).generateStream('a', { image: new Uint8Array([1]) });
    expect(server.seen[0]?.url).toBe('http://localhost:3000/image_generate_stream');
  });

  it('asks for nothing until somebody wants it', async () => {
    const server = whole();
    const stream = clientOf(server).generateStream('a');
    await Promise.resolve();
    expect(server.seen).toHaveLength(0);
    await stream;
    expect(server.seen).toHaveLength(1);
  });

  it('can be iterated once', async () => {
    const stream = clientOf(whole()).generateStream('a');
    await stream;
    await expect(piecesOf(stream)).rejects.toThrow(InvalidInputError);
  });
});

describe('leaving the loop', () => {
  it('aborts the request, and the whole answer will not come', async () => {
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

  it('aborts the request when an error leaves it', async () => {
    const server = new ScriptedStream(A_CAT, 'silence');
    const bug = new RangeError('bug');
    await expect(
      (async () => {
        for await (const { text } of clientOf(server).generateStream('a')) if (text === 'A') throw bug;
      })(),
    ).rejects.toBe(bug);
    expect(server.isCancelled).toBe(true);
  });

  it('ends a wait for the next piece', async () => {
    const server = new ScriptedStream([], 'silence');
    const pieces = clientOf(server).generateStream('a')[Symbol.asyncIterator]();
    const next = failureOf(pieces.next());
    await vi.waitUntil(() => server.isRead);
    await pieces.return?.();
    expect(await next).toMatchObject({ name: 'AbortError' });
    expect(server.isCancelled).toBe(true);
  });

  it('before it has begun asks for nothing', async () => {
    const server = whole();
    const pieces = clientOf(server).generateStream('a')[Symbol.asyncIterator]();
    await pieces.return?.();
    expect(await pieces.next()).toEqual({ done: true, value: undefined });
    expect(server.seen).toHaveLength(0);
  });
});

describe('a stream without its natural end', () => {
  it.each([
    ['breaks', 'break', A_CAT],
    ['is closed politely', 'close', A_CAT],
    ['has nothing in it', 'close', []],
    ['is cut inside its last event', 'close', [...A_CAT, metadataEvent().slice(0, -1)]],
  ] as const)('is incomplete when it %s', async (_, ending, chunks) => {
    const server = new ScriptedStream(chunks, ending);
    const stream = clientOf(server).generateStream('a');
    await expect(piecesOf(stream)).rejects.toThrow(IncompleteStreamError);
    expect(await failureOf(stream)).toMatchObject({ code: 'client.incomplete_stream' });
    expect(server.seen).toHaveLength(1);
  });

  it('is incomplete when one prompt of a list has no end', async () => {
    const server = new ScriptedStream(['data:{"text":"b","batch_id":1}\n\n', metadataEvent(1)]);
    await expect(piecesOf(clientOf(server).generateStream(['x', 'y']))).rejects.toThrow(
      IncompleteStreamError,
    );
  });

  it('fails with what the server said in it, after the pieces before', async () => {
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

  it('fails with the answer of a server that refuses it', async () => {
    const server = new ScriptedFetch(failure(400, 'request.does_not_fit'));
    expect(await failureOf(clientOf(server).generateStream('a'))).toMatchObject({
      code: 'request.does_not_fit',
    });
  });

  it.each([
    ['JSON', answer({ text: 'yes' })],
    ['an endless event', new ScriptedStream(['data:' + 'x'.repeat(1 << 20) + 'x']).response()],
  ])('is not taken for one when it is %s', async (_, response) => {
    const server = new ScriptedFetch(response);
    expect(await failureOf(clientOf(server).generateStream('a'))).toBeInstanceOf(UnexpectedAnswerError);
  });

  it.each(['{"text":"b","batch_id":2}', '{"text":"b"}', 'b', '{"batch_id":0}'])(
    'of a list is not one with the event %s',
    async (data) => {
      const server = new ScriptedStream([`data:${data}\n\n`]);
      expect(await failureOf(clientOf(server).generateStream(['x', 'y']))).toBeInstanceOf(
        UnexpectedAnswerError,
      );
    },
  );
});

describe('a signal', () => {
  it('ends the stream at once, also where more pieces have arrived already', async () => {
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

  it('ends a stream with its reason', async () => {
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

it('counts silence between pieces, not the length of the answer', async () => {
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

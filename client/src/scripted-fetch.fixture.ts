// For tests only: a `fetch` that answers as it is told, one answer a call, and keeps what it was asked. Like the real one it
// fails with the signal's reason, before and inside an answer.
import type { Fetch } from './options.js';

export interface SeenCall {
  readonly url: string;
  readonly init: RequestInit;
}

/** What a call gets: an answer, a failure, or neither, for ever. */
export type Scripted = Response | Error | 'silence';

export class ScriptedFetch {
  readonly calls: SeenCall[] = [];
  readonly #script: Scripted[];

  constructor(...script: Scripted[]) {
    this.#script = script;
  }

  readonly fetch: Fetch = async (url, init) => {
    this.calls.push({ url, init });
    const { signal } = init;
    signal?.throwIfAborted();
    const scripted = this.#script.shift() ?? new TypeError('asked more often than the test says');
    if (scripted instanceof Error) throw scripted;
    if (scripted !== 'silence') return scripted;
    return await new Promise<Response>((_, reject) => {
      signal?.addEventListener('abort', () => reject(asError(signal.reason)));
    });
  };

  /** The JSON of a call without an image. */
  json(call = 0): unknown {
    const body = this.calls[call]?.init.body;
    return JSON.parse(typeof body === 'string' ? body : '');
  }
}

/** The form of a call with an image, however its body was made. */
export const formOf = ({ init: { body = null, headers = {} } }: SeenCall): Promise<FormData> =>
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- discouraged for servers, and this reads what a test sent
  new Response(body, body instanceof FormData ? {} : { headers }).formData();

export const answer = (
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', ...headers } });

export const failure = (status: number, code: string, headers: Record<string, string> = {}): Response =>
  answer({ error: { code, message: `because of ${code}` } }, status, headers);

/** A refused connection as Node's fetch reports it. */
export const refused = (): Error =>
  new TypeError('fetch failed', { cause: Object.assign(new TypeError('connect'), { code: 'ECONNREFUSED' }) });

export const METADATA = {
  prompt_tokens: 9,
  image_tokens: 4,
  cached_tokens: 3,
  generated_tokens: 2,
  finish_reason: 'stop',
  timings: {
    receive_ms: 1,
    decode_image_ms: 2,
    queue_ms: 3,
    vision_ms: 4,
    prefill_ms: 5,
    decode_ms: 6,
    first_token_ms: 15.5,
    total_ms: 21,
  },
};
export const PARSED_METADATA = {
  promptTokens: 9,
  imageTokens: 4,
  cachedTokens: 3,
  generatedTokens: 2,
  finishReason: 'stop',
  timings: {
    receiveMs: 1,
    decodeImageMs: 2,
    queueMs: 3,
    visionMs: 4,
    prefillMs: 5,
    decodeMs: 6,
    firstTokenMs: 15.5,
    totalMs: 21,
  },
};

/** The last event of a prompt. */
export const metadataEvent = (batchId?: number): string =>
  `data:${JSON.stringify({ text: '', ...(batchId === undefined ? {} : { batch_id: batchId }), metadata: METADATA })}\n\n`;

/** What a stream does after its text. */
export type Ending = 'close' | 'break' | 'silence';

/** A streamed answer of these chunks. It records whether it was read and whether it was cancelled. */
export class ScriptedStream {
  isRead = false;
  isCancelled = false;
  readonly #chunks: string[];
  readonly #ending: Ending;

  constructor(chunks: readonly string[], ending: Ending = 'close') {
    this.#chunks = [...chunks];
    this.#ending = ending;
  }

  /** Ends with the reason of the signal, as the body of the real fetch does. */
  response(signal?: AbortSignal | null): Response {
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          signal?.addEventListener('abort', () => {
            this.isCancelled = true;
            controller.error(asError(signal.reason));
          });
        },
        pull: (controller) => {
          this.isRead = true;
          const chunk = this.#chunks.shift();
          if (chunk !== undefined) controller.enqueue(new TextEncoder().encode(chunk));
          else if (this.#ending === 'close') controller.close();
          else if (this.#ending === 'break') controller.error(new TypeError('terminated'));
          // With 'silence' nothing comes any more; a promise that never settles keeps the stream from asking again.
          return chunk === undefined && this.#ending === 'silence' ? new Promise(() => undefined) : undefined;
        },
        cancel: () => {
          this.isCancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    return new Response(body, {
      headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': 'r1' },
    });
  }

  /** Every call of `fetch`. */
  readonly seen: SeenCall[] = [];
  /** Answers with this stream. */
  readonly fetch: Fetch = async (url, init) => {
    this.seen.push({ url, init });
    init.signal?.throwIfAborted();
    return this.response(init.signal);
  };
}

const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new TypeError(String(reason));

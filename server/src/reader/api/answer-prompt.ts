// One prompt, from the moment that it is its turn to its one terminal event: asks the cluster, waits while that is full, and passes the
// stream of its answer on. Whatever happens on the way, it ends in exactly one `done` or `error`, and the connection is free or closed.
import type { IncomingMessage } from 'node:http';
import { SseDecoder, SseEventTooLargeError, type FinishReason } from 'takeoff-wire';
import { ClusterError, Defect, InputError } from '../../errors.js';
import type { ErrorEvent, GenerateMessage, RequestEvent, Usage } from '../../link/requests/messages.js';
import { AnswerText, type TextPiece } from './answer-text.js';
import { endpointOf } from './cluster-address.js';
import type { ClusterHttp } from './cluster-http.js';
import { retryAfterMs, type ClusterRoom } from './cluster-room.js';
import { cleanWords, errorOfStatus, parsed, readWords } from './cluster-words.js';
import { writeQuestion, type ClusterFacts } from './request-body.js';
import { readChunk, type Chunk, type ChunkUsage } from './stream-chunk.js';

export interface AnsweringOptions {
  readonly http: ClusterHttp;
  readonly base: URL;
  readonly apiKey: string | null;
  readonly facts: ClusterFacts;
  readonly room: ClusterRoom;
  /** How long a prompt waits for a cluster without room. */
  readonly busyTimeoutMs: number;
  readonly send: (event: RequestEvent) => void;
  /** Told of everything that the cluster sends: it lives. */
  readonly onSign: () => void;
  /** Milliseconds from any beginning, ever growing. */
  readonly nowMs: () => number;
}

export interface PromptToAnswer {
  readonly message: GenerateMessage;
  /** Index in its request. */
  readonly prompt: number;
  /** Fires when nobody waits for the answer any more, or with a ClusterError as its reason. */
  readonly signal: AbortSignal;
}

/** Attack: an answer without end. Largest real value: the longest contexts have some megabytes of text. */
const MAX_ANSWER_CHARACTERS = 64 * 2 ** 20;
/** Of a chunk: many tokens with all their alternatives. */
const MAX_CHUNK_CHARACTERS = 4 * 2 ** 20;

const FULL: readonly number[] = [429, 503];
/** Words of servers for the end of an answer by itself. */
const STOPPED: readonly string[] = ['stop', 'eos_token', 'stop_sequence', 'end_turn'];

interface Ended {
  readonly finishReason: FinishReason;
  readonly usage: Usage;
}

/** Resolves when the terminal event was sent, with the code of an error. Never rejects for what a cluster or a client does. */
export async function answerPrompt(options: AnsweringOptions, asked: PromptToAnswer): Promise<string | null> {
  const { message, prompt, signal } = asked;
  const address = { requestId: message.requestId, prompt };
  const { nowMs, send } = options;
  const answer = new StreamedAnswer(options, asked);
  try {
    const { endpoint, body } = writeQuestion(message, prompt, options.facts);
    const url = endpointOf(options.base, endpoint === 'chat' ? '/chat/completions' : '/completions');
    const response = await askWithPatience(options, { url, body, signal, requestId: message.requestId });
    const { finishReason, usage } = await answer.read(response);
    send({ kind: 'done', ...address, finishReason, usage, times: answer.times(nowMs()) });
    return null;
  } catch (error) {
    const known: unknown = signal.aborted ? signal.reason : error;
    if (signal.aborted && !(known instanceof ClusterError) && !(known instanceof Defect)) {
      const end = { finishReason: 'cancelled' as const, usage: answer.usage, times: answer.times(nowMs()) };
      send({ kind: 'done', ...address, ...end });
      return null;
    }
    const { code, ...described } = describe(known);
    send({ kind: 'error', ...address, code, ...described });
    return code;
  }
}

function describe(error: unknown): Pick<ErrorEvent, 'code' | 'message' | 'field'> {
  if (error instanceof ClusterError) return { code: error.code, message: error.message };
  // Anything else is a defect of ours.
  if (!(error instanceof InputError)) throw error;
  const { field } = error.details;
  return { code: error.code, message: error.message, ...(typeof field === 'string' ? { field } : {}) };
}

interface Asked {
  readonly url: URL;
  readonly body: string;
  readonly signal: AbortSignal;
  readonly requestId: string;
}

/** A response with status 200. @throws ClusterError, the signal's reason */
async function askWithPatience(
  { http, room, apiKey, busyTimeoutMs, onSign, nowMs }: AnsweringOptions,
  asked: Asked,
): Promise<IncomingMessage> {
  const startMs = nowMs();
  const patience = AbortSignal.timeout(busyTimeoutMs);
  const waiting = AbortSignal.any([asked.signal, patience]);
  let lastStatus = 0;
  let lastWords = '';
  for (;;) {
    try {
      await room.open(waiting);
    } catch (error) {
      asked.signal.throwIfAborted();
      if (!patience.aborted) throw error;
      throw busy(nowMs() - startMs, lastStatus, lastWords);
    }
    const response = await http.ask(asked);
    onSign();
    const status = response.statusCode ?? 0;
    if (status === 200) {
      room.noteTaken();
      return response;
    }
    const words = await readWords(response, apiKey);
    asked.signal.throwIfAborted();
    if (!FULL.includes(status)) throw errorOfStatus(status, words);
    lastStatus = status;
    lastWords = words;
    room.noteFull(retryAfterMs(response.headers['retry-after'], Date.now()));
  }
}

const busy = (afterMs: number, status: number, words: string): ClusterError =>
  new ClusterError(
    'cluster.busy',
    `The cluster had no room for ${Math.round(afterMs)} ms, the limit of api_busy_timeout_ms${status === 0 ? '' : ` (status ${status}${words === '' ? '' : `: ${words}`})`}. Send the request again later.`,
  );

/** The stream of one answer, read to its end. */
class StreamedAnswer {
  readonly #options: AnsweringOptions;
  readonly #asked: PromptToAnswer;
  readonly #text: AnswerText;
  readonly #startMs: number;
  #firstMs: number | null = null;
  #finishReason: FinishReason | null = null;
  #usage: ChunkUsage | null = null;
  #pieceCount = 0;
  /** The cluster goes on with an answer that is over for its client. */
  #isLeft = false;

  constructor(options: AnsweringOptions, asked: PromptToAnswer) {
    this.#options = options;
    this.#asked = asked;
    this.#text = new AnswerText(asked.message.sampling.stop);
    this.#startMs = options.nowMs();
  }

  /** What the cluster counted; where it did not get to it, pieces of the answer count as tokens. */
  get usage(): Usage {
    return (
      this.#usage ?? { promptTokens: 0, imageTokens: 0, cachedTokens: 0, generatedTokens: this.#pieceCount }
    );
  }

  /** A cluster does not tell what it did until the first token: all of it counts as reading the prompt. */
  times(nowMs: number) {
    const firstMs = this.#firstMs ?? nowMs;
    return { visionMs: 0, prefillMs: firstMs - this.#startMs, decodeMs: nowMs - firstMs };
  }

  /** @throws ClusterError cluster.broken, the signal's reason */
  async read(response: IncomingMessage): Promise<Ended> {
    validateIsStream(response);
    const decoder = new SseDecoder(MAX_CHUNK_CHARACTERS);
    let isOver = false;
    try {
      for await (const chunk of response.iterator({ destroyOnReturn: false })) {
        const bytes: unknown = chunk;
        if (!(bytes instanceof Uint8Array)) throw broken('gave something other than bytes');
        this.#options.onSign();
        isOver = decoder.push(bytes).some(({ data }) => this.#take(data));
        if (isOver) break;
      }
    } catch (error) {
      this.#asked.signal.throwIfAborted();
      if (error instanceof SseEventTooLargeError) throw broken('has a line longer than any token', error);
      if (error instanceof ClusterError) throw error;
      // All that was missing is how much it cost.
      if (this.#finishReason === null) throw broken('broke off', error);
    } finally {
      if (isOver && !this.#isLeft) keepConnection(response);
      else response.destroy();
    }
    this.#asked.signal.throwIfAborted();
    return this.#ended();
  }

  #ended(): Ended {
    if (this.#finishReason === null) throw broken('ended without a finish_reason');
    return { finishReason: this.#finishReason, usage: this.usage };
  }

  /** Whether the answer is over. */
  #take(data: string): boolean {
    if (data.trim() === '[DONE]') return true;
    const chunk = readChunk(parsed(data));
    if (chunk.kind === 'nonsense') throw broken('has a chunk that cannot be understood');
    if (chunk.kind === 'failed') {
      const words = cleanWords(chunk.words, this.#options.apiKey);
      throw broken(`ended in an error: ${words}`);
    }
    this.#usage = chunk.usage ?? this.#usage;
    if (this.#finishReason === null) this.#takePiece(chunk);
    // Behind its end comes its usage, unless the cluster did not see the stop string that ended it.
    else this.#isLeft = chunk.text !== '';
    return this.#isLeft;
  }

  #takePiece({ text, logprobs, finishReason }: Extract<Chunk, { kind: 'piece' }>): void {
    if (text !== '' || logprobs.length > 0) {
      this.#firstMs ??= this.#options.nowMs();
      this.#pieceCount += Math.max(1, logprobs.length);
      const { pieces, isStopped } = this.#text.push(text, logprobs);
      this.#tell(pieces);
      if (isStopped) {
        this.#finishReason = 'stop';
        return;
      }
    }
    if (this.#text.characterCount > MAX_ANSWER_CHARACTERS) throw broken('has no end');
    if (finishReason === null) return;
    this.#tell(this.#text.finish());
    this.#finishReason = toFinishReason(finishReason);
  }

  #tell(pieces: readonly TextPiece[]): void {
    const { requestId, sampling } = this.#asked.message;
    for (const { text, logprobs } of pieces) {
      const told = sampling.topLogprobs === null ? {} : { logprobs };
      this.#options.send({ kind: 'token', requestId, prompt: this.#asked.prompt, text, ...told });
    }
  }
}

/** @throws ClusterError for the ends that are none */
function toFinishReason(word: string): FinishReason {
  if (word === 'length') return 'length';
  if (STOPPED.includes(word)) return 'stop';
  throw broken(`ended with finish_reason ${JSON.stringify(word.slice(0, 40))}`);
}

function validateIsStream(response: IncomingMessage): void {
  const type = response.headers['content-type'] ?? 'nothing';
  const encoding = response.headers['content-encoding'] ?? 'identity';
  const isStream = type.toLowerCase().startsWith('text/event-stream') && encoding === 'identity';
  if (isStream) return;
  response.destroy();
  throw broken(`is ${type.slice(0, 60)} (${encoding.slice(0, 20)}) where an event stream was asked for`);
}

/** For what comes behind the end of an answer: the end of its body. */
const REST_MS = 1_000;

/** So that the next prompt needs no connection of its own. */
function keepConnection(response: IncomingMessage): void {
  const deadline = setTimeout(() => response.destroy(), REST_MS).unref();
  response.once('close', () => clearTimeout(deadline));
  response.resume();
}

const broken = (what: string, cause?: unknown): ClusterError =>
  new ClusterError('cluster.broken', `The answer of the cluster ${what}.`, { cause });

// One streamed answer and when its tokens came, as a client sees them.
import { SseDecoder } from 'takeoff-wire';
import type { Question, ServerApi } from './server-api.js';

export interface Answer {
  /** Milliseconds of performance.now(), as all times here. */
  readonly startMs: number;
  /** When each piece of text came; a token makes one at most. */
  readonly tokensMs: readonly number[];
  readonly endMs: number;
  /** Null for an answer that came whole, and for one that this client cancelled. */
  readonly failure: string | null;
  readonly wasCancelled: boolean;
}

export interface AskOptions {
  /** Called with each token, the first one as 1. */
  readonly onToken?: (count: number) => void;
  readonly signal?: AbortSignal;
}

const WITHOUT_SIGNAL = new AbortController().signal;

export async function askOnce(
  api: ServerApi,
  baseUrl: string,
  question: Question,
  { onToken = () => undefined, signal = WITHOUT_SIGNAL }: AskOptions = {},
): Promise<Answer> {
  const { url, init } = api.request(baseUrl, question);
  const startMs = performance.now();
  const tokensMs: number[] = [];
  let failure: string | null = null;
  try {
    const response = await fetch(url, { ...init, signal });
    if (!response.ok || response.body === null) failure = `${response.status}: ${await response.text()}`;
    else {
      const decoder = new SseDecoder();
      for await (const chunk of response.body) {
        for (const { name, data } of decoder.push(chunk as Uint8Array)) {
          failure ??= api.failure(name, data);
          if (failure !== null || !api.isText(data)) continue;
          tokensMs.push(performance.now());
          onToken(tokensMs.length);
        }
      }
    }
  } catch (error) {
    if (!signal.aborted) failure = String(error);
  }
  return { startMs, tokensMs, endMs: performance.now(), failure, wasCancelled: signal.aborted };
}

/** Milliseconds to the first token; NaN where none came. */
export const firstTokenMs = ({ startMs, tokensMs }: Answer): number => (tokensMs[0] ?? NaN) - startMs;

/** Milliseconds between tokens that came within a span of time. */
export function gapsWithin({ tokensMs }: Answer, fromMs: number, toMs: number): number[] {
  return tokensMs
    .map((at, index) => ({ at, gap: at - (tokensMs[index - 1] ?? NaN) }))
    .filter(({ at, gap }) => !Number.isNaN(gap) && at > fromMs && at - gap < toMs)
    .map(({ gap }) => gap);
}

export const gapsOf = (answer: Answer): number[] => gapsWithin(answer, -Infinity, Infinity);

// Streams of answers at a steady rate, each followed to its end: what ended how, what ended twice, what never ended.
import { setTimeout as delay } from 'node:timers/promises';

export type Outcome =
  /** With its last token and the end of the stream, once each. */
  | 'done'
  /** With an error, before its first token or after it; `code` says which. */
  | 'error'
  /** Its connection broke: its gateway is gone. */
  | 'broken'
  /** Its client went away. */
  | 'left'
  /** The stream ended, and nothing said that the answer is complete. */
  | 'lost'
  /** More than one end. */
  | 'twice';

export interface LoadOptions {
  /** Where the next request goes. */
  readonly url: () => string;
  readonly perSecond: number;
  readonly durationMs: number;
  /** Share of clients that go away in the middle. */
  readonly leaving: number;
  readonly random: () => number;
  readonly maxTokens: number;
  /** Whether a client asks again when a gateway tells it to, as the client library does. */
  readonly asksAgain?: boolean;
}

export interface LoadResult {
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** How often each error was met. */
  readonly codes: Readonly<Record<string, number>>;
  /** From the first question to the first token, in milliseconds, of what was answered. */
  readonly firstMs: readonly number[];
}

interface Ended {
  readonly outcome: Outcome;
  readonly code?: string;
  readonly firstMs?: number;
}

/** For a client that asks again. */
const PATIENCE_MS = 20_000;

export async function load(options: LoadOptions): Promise<LoadResult> {
  const { perSecond, durationMs } = options;
  const outcomes: Record<Outcome, number> = { done: 0, error: 0, broken: 0, left: 0, lost: 0, twice: 0 };
  const codes: Record<string, number> = {};
  const firstMs: number[] = [];
  const open = new Set<Promise<void>>();
  const end = performance.now() + durationMs;
  while (performance.now() < end) {
    const one = ask(options).then(({ outcome, code, firstMs: first }) => {
      outcomes[outcome] += 1;
      if (first !== undefined) firstMs.push(first);
      if (code !== undefined) codes[code] = (codes[code] ?? 0) + 1;
      open.delete(one);
    });
    open.add(one);
    await delay(1_000 / perSecond);
  }
  await Promise.all(open);
  return { outcomes, codes, firstMs };
}

async function ask(options: LoadOptions): Promise<Ended> {
  const { url, random, leaving, maxTokens, asksAgain = false } = options;
  const leave = new AbortController();
  if (random() < leaving) setTimeout(() => leave.abort(), random() * 500);
  const prompt = `Question ${Math.floor(random() * 1e9)}:`;
  const startMs = performance.now();
  let firstMs: number | undefined;
  let text = '';
  try {
    const response = await answered(asksAgain ? PATIENCE_MS : 0, () =>
      fetch(`${url()}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'primary', prompt, stream: true, max_tokens: maxTokens }),
        signal: leave.signal,
      }),
    );
    const body = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let read = await body?.read(); read?.done === false; read = await body?.read()) {
      if (response.ok) firstMs ??= performance.now() - startMs;
      text += read.value;
    }
  } catch {
    return { outcome: leave.signal.aborted ? 'left' : 'broken' };
  }
  return { ...endOf(text), ...(firstMs === undefined ? {} : { firstMs }) };
}

/** The first answer that is not "later", or the last one once the time is up. */
async function answered(patienceMs: number, question: () => Promise<Response>): Promise<Response> {
  const deadline = performance.now() + patienceMs;
  let response = await question();
  while (response.status === 503 && performance.now() < deadline) {
    await response.body?.cancel();
    await delay(Number(response.headers.get('retry-after') ?? 1) * 1_000);
    response = await question();
  }
  return response;
}

function endOf(text: string): Ended {
  const ends = text.split('data: [DONE]').length - 1;
  const reasons = text.match(/"finish_reason":"/gu)?.length ?? 0;
  const code = /"code":"([a-z_.]+)"/u.exec(text)?.[1];
  if (reasons > 1 || ends > 1 || (reasons > 0 && code !== undefined)) return { outcome: 'twice' };
  if (code !== undefined) return { outcome: 'error', code };
  return { outcome: reasons === 1 && ends === 1 ? 'done' : 'lost' };
}

// What a cluster says about a request that it does not answer: its status and a bounded part of its words, which differ from server to
// server. Words reach clients and logs, so the key is taken out of them, should a server repeat it.
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { ClusterError } from '../../errors.js';

/** Attack: an endless error page. Largest real value: validation errors of a few kilobytes. */
const MAX_BODY_BYTES = 65_536;
const MAX_WORDS_CHARACTERS = 1_000;

/** The forms of OpenAI and vLLM, of older vLLM, of TGI, and of FastAPI. */
const errorSchema = z.union([
  z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error.message),
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ object: z.literal('error'), message: z.string() }).transform(({ message }) => message),
  z.object({ detail: z.unknown() }).transform(({ detail }) => JSON.stringify(detail)),
]);

/** The words of a JSON error; undefined where it is none. */
export const wordsIn = (json: unknown): string | undefined => errorSchema.safeParse(json).data;

/** One line without control characters, without the key, and without the full stop that our own sentence ends in. */
export function cleanWords(words: string, apiKey: string | null): string {
  const line = words
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .replace(/\.+$/u, '');
  const safe = apiKey === null ? line : line.replaceAll(apiKey, '…');
  return safe.length > MAX_WORDS_CHARACTERS ? `${safe.slice(0, MAX_WORDS_CHARACTERS)}…` : safe;
}

/** The words of a response that is no answer; empty where it has none. */
export async function readWords(response: IncomingMessage, apiKey: string | null): Promise<string> {
  const text = await readText(response, MAX_BODY_BYTES);
  if (text === undefined) return '';
  const json = parsed(text);
  // A page for people, such as a proxy's, says nothing to them.
  return cleanWords(wordsIn(json) ?? (text.includes('<') ? '' : text), apiKey);
}

/** A whole body; undefined where it is longer than allowed or breaks off. */
export async function readText(response: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  try {
    for await (const chunk of response) {
      const bytes: unknown = chunk;
      if (!(bytes instanceof Uint8Array)) return undefined;
      byteCount += bytes.length;
      if (byteCount > maxBytes) return undefined;
      chunks.push(bytes);
    }
  } catch {
    return undefined; // its status says enough
  } finally {
    response.destroy();
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The error for a status that is neither 200 nor a sign of a full house. */
export function errorOfStatus(status: number, words: string): ClusterError {
  const said = words === '' ? '' : `: ${words}`;
  if (status >= 300 && status < 400) {
    return new ClusterError(
      'cluster.misconfigured',
      `The cluster redirects (status ${status}), which is not followed: api_url must be the address that answers.`,
    );
  }
  if (status === 401 || status === 403 || status === 407)
    return new ClusterError(
      'cluster.misconfigured',
      `The cluster does not let the reader in (status ${status})${said}`,
    );
  if (status === 404 || status === 405) {
    return new ClusterError(
      'cluster.misconfigured',
      `The cluster has no such endpoint or model (status ${status})${said}`,
    );
  }
  if (status >= 400 && status < 500 && status !== 408)
    return new ClusterError('cluster.refused', `The cluster refused the request (status ${status})${said}`);
  return new ClusterError('cluster.broken', `The cluster failed (status ${status})${said}`);
}

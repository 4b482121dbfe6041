// Fetches an image that a prompt names by URL. Every hop is validated anew: URL, addresses, then the dialled address; redirects are
// followed by hand. Time and bytes have limits. A refused address, an unknown name and a host that does not answer read alike,
// so that nobody can learn which private hosts exist. It returns bytes; what they are, the intake finds out.
import type { IncomingMessage } from 'node:http';
import { Defect, InputError } from '../../../errors.js';
import { getOnce } from './hop.js';
import { type Resolver, resolveHost, systemResolver } from './resolve.js';
import { validateRedirect, validateUrl, type UrlPolicy } from './url-policy.js';

export interface FetcherOptions extends UrlPolicy {
  readonly maxBytes: number;
  /** For the whole fetch: lookups, redirects and body. */
  readonly timeoutMs: number;
  readonly maxRedirects: number;
  readonly resolver: Resolver;
  /** Called once for every fetch, for metrics and the log; holds nothing of the URL but the host of one that failed. */
  readonly onOutcome: (outcome: FetchOutcome) => void;
}

export interface FetchOutcome {
  /** `fetched`, or why not: a bounded set of words. */
  readonly result: 'fetched' | 'cancelled' | 'timeout' | FetchFailure['reason'];
  readonly byteCount: number;
  readonly durationMs: number;
  /** For the operator's log; null when the image was fetched or nobody waited for it. */
  readonly failure: FetchFailureFacts | null;
}

export interface FetchFailureFacts {
  /** Of the hop that failed; null where the URL has none. */
  readonly host: string | null;
  /** Why its address may not be dialled, such as `private`; null where that was not it. */
  readonly addressClass: string | null;
  readonly cause: string;
}

export const FETCHER_DEFAULTS: FetcherOptions = {
  ports: [80, 443],
  domains: [],
  privateHosts: [],
  maxBytes: 20 * 2 ** 20,
  timeoutMs: 10_000,
  maxRedirects: 3,
  resolver: systemResolver,
  onOutcome: () => undefined,
};

export interface RemoteFetcher {
  /** Fails with `image.url_refused`, `image.fetch_failed`, `image.fetch_too_large`, or the signal's reason. */
  fetch(url: string, signal: AbortSignal): Promise<Uint8Array>;
}

/** Why a fetch ended without an image. `address` and `unreachable` differ for the operator only. */
class FetchFailure extends InputError {
  constructor(
    readonly reason:
      'url' | 'address' | 'unreachable' | 'redirects' | 'status' | 'encoding' | 'size' | 'broken',
    code: 'image.url_refused' | 'image.fetch_failed' | 'image.fetch_too_large',
    message: string,
    cause?: unknown,
  ) {
    super(code, message, { cause, details: { reason } });
  }
}

export function createFetcher(given: Partial<FetcherOptions> = {}): RemoteFetcher {
  const options = { ...FETCHER_DEFAULTS, ...given };
  return {
    async fetch(url, signal) {
      const startedMs = performance.now();
      const deadline = AbortSignal.timeout(options.timeoutMs);
      const hop: CurrentHop = { host: hostOf(url) };
      const report = (
        result: FetchOutcome['result'],
        byteCount: number,
        failure: FetchFailureFacts | null,
      ): void => options.onOutcome({ result, byteCount, durationMs: performance.now() - startedMs, failure });
      try {
        const bytes = await fetchUnder(url, options, AbortSignal.any([signal, deadline]), hop);
        report('fetched', bytes.length, null);
        return bytes;
      } catch (error) {
        if (signal.aborted) report('cancelled', 0, null);
        else if (deadline.aborted)
          report('timeout', 0, {
            ...hop,
            addressClass: null,
            cause: `no image within ${options.timeoutMs} ms`,
          });
        else
          report(error instanceof FetchFailure ? error.reason : 'url', 0, { ...hop, ...whyItFailed(error) });
        signal.throwIfAborted();
        if (deadline.aborted) throw timedOut(options.timeoutMs, error);
        throw error;
      }
    },
  };
}

/** Where a fetch stands, for the log. */
interface CurrentHop {
  host: string | null;
}

/** The longest name that DNS has. */
const MAX_HOST_CHARACTERS = 253;

const hostOf = (text: string, base?: string): string | null =>
  URL.canParse(text, base) ? new URL(text, base).hostname.slice(0, MAX_HOST_CHARACTERS) : null;

/** An address class, or the system's code, or a sentence: nothing of them is secret. */
function whyItFailed(error: unknown): Omit<FetchFailureFacts, 'host'> {
  if (!(error instanceof Error)) return { addressClass: null, cause: String(error) };
  if (error instanceof FetchFailure && error.reason === 'address')
    return { addressClass: String(error.cause), cause: 'its address may not be dialled' };
  const { cause } = error;
  if (error instanceof FetchFailure && error.reason === 'unreachable' && cause instanceof Error)
    return { addressClass: null, cause: 'code' in cause ? String(cause.code) : cause.message };
  return { addressClass: null, cause: error.message };
}

async function fetchUnder(
  text: string,
  options: FetcherOptions,
  signal: AbortSignal,
  hop: CurrentHop,
): Promise<Uint8Array> {
  let url = validateUrl(text, options);
  for (let redirects = 0; redirects <= options.maxRedirects; redirects += 1) {
    const response = await getJudged(url, options, signal);
    try {
      const location = locationOf(response);
      if (location === undefined) return await readImage(response, options.maxBytes, signal);
      hop.host = hostOf(location, url.href);
      url = validateRedirect(url, location, options);
    } finally {
      response.destroy();
    }
  }
  throw failed('redirects', `its server redirects more than ${options.maxRedirects} times`);
}

async function getJudged(url: URL, options: FetcherOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const mayBePrivate = options.privateHosts.includes(url.hostname);
  try {
    const resolution = await orAborted(resolveHost(url, options.resolver, mayBePrivate), signal);
    if (resolution.kind === 'refused')
      throw new FetchFailure('address', 'image.fetch_failed', UNREACHABLE, resolution.reason);
    return await getOnce(url, resolution.addresses, signal);
  } catch (cause) {
    if (cause instanceof FetchFailure) throw cause;
    throw new FetchFailure('unreachable', 'image.fetch_failed', UNREACHABLE, cause);
  }
}

/** One sentence for a refused address, a name that does not exist and a host that does not answer. */
const UNREACHABLE = 'The image URL could not be fetched: its host cannot be reached.';

const failed = (reason: FetchFailure['reason'], why: string, cause?: unknown): FetchFailure =>
  new FetchFailure(reason, 'image.fetch_failed', `The image URL could not be fetched: ${why}.`, cause);

const timedOut = (timeoutMs: number, cause: unknown): InputError =>
  new InputError(
    'image.fetch_failed',
    `The image URL could not be fetched within ${timeoutMs} ms; remote_image_timeout_ms sets the limit.`,
    {
      cause,
    },
  );

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

function locationOf({ statusCode, headers }: IncomingMessage): string | undefined {
  return REDIRECTS.includes(statusCode ?? 0) ? headers.location : undefined;
}

async function readImage(
  response: IncomingMessage,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { statusCode, headers } = response;
  if (statusCode !== 200) throw failed('status', `its server answered with status ${statusCode ?? 'none'}`);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw failed('encoding', `its server sends it as ${encoding.slice(0, 20)}, where identity was asked for`);
  }
  const declared = Number(headers['content-length'] ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  try {
    for await (const chunk of response) {
      const bytes: unknown = chunk;
      if (!(bytes instanceof Uint8Array)) throw new Defect('A response gave something other than bytes.');
      byteCount += bytes.length;
      if (byteCount > maxBytes) throw tooLarge(maxBytes);
      chunks.push(bytes);
    }
    // A body whose end is the connection's end looks complete when the deadline cut it off.
    signal.throwIfAborted();
  } catch (cause) {
    if (cause instanceof FetchFailure || cause instanceof Defect) throw cause;
    throw failed('broken', 'the connection broke before its end', cause);
  }
  return Buffer.concat(chunks, byteCount);
}

const tooLarge = (maxBytes: number): FetchFailure =>
  new FetchFailure(
    'size',
    'image.fetch_too_large',
    `The image behind the URL has more than ${maxBytes} bytes; remote_image_max_bytes sets the limit.`,
  );

/** A lookup cannot be stopped; its answer is no longer waited for. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void =>
      reject(new InputError('image.fetch_failed', UNREACHABLE, { cause: signal.reason }));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

// GET requests to a hub. Follows redirects itself, because the access token belongs to the hub and to nobody it points to; turns
// statuses and broken connections into HubErrors; gives up on a server that falls silent.
import { ConfigError, TakeoffError } from '../../errors.js';
import { cancelled, denied, notFound, refused, unreachable, type Place } from './failures.js';
import type { HubModel } from './model-id.js';
import { retryAfterMs } from './retry.js';
import { StallGuard } from './stall-guard.js';
import type { Waits } from './waits.js';

interface HubAccess {
  /** Without a slash at the end. */
  readonly endpoint: string;
  readonly accessToken: string | null;
  readonly waits: Waits;
  readonly signal: AbortSignal | undefined;
}

export interface Answer {
  readonly response: Response;
  /** X-Linked-Etag of the hub: the SHA-256 of a large file, whoever delivers it. */
  readonly linkedEtag: string | null;
  /** To be touched with every piece of the body that arrives, and stopped at its end. */
  readonly guard: StallGuard;
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  /** Name of the file, for the message when it is not there. */
  readonly file?: string;
  /** Statuses that the caller validates itself. */
  readonly accepts?: readonly number[];
}

/** hub to content network is one; mirrors and renamed repositories add some. */
const MAX_REDIRECTS = 5;
/** A listing of 1000 files has 300 KB. */
const MAX_API_BYTES = 16 * 2 ** 20;
const REDIRECTS = [301, 302, 303, 307, 308];
const OVERLOADED = [408, 425, 429];

export class HubClient {
  readonly #access: HubAccess;
  readonly place: Place;

  /** @throws ConfigError when the token cannot be sent */
  constructor(access: HubAccess, model: HubModel) {
    this.#access = access;
    this.place = { model, endpoint: access.endpoint, hasToken: access.accessToken !== null };
    // The check of fetch() itself would put the token into its message.
    if (access.accessToken !== null && !/^[\x21-\x7e]+$/.test(access.accessToken))
      throw new ConfigError(
        'access_token (TAKEOFF_ACCESS_TOKEN) has characters that no token has, such as spaces or line breaks; its value is not shown.',
      );
  }

  get waits(): Waits {
    return this.#access.waits;
  }

  get signal(): AbortSignal | undefined {
    return this.#access.signal;
  }

  /**
   * An answer of 200, 206 or what is accepted. The caller reads or cancels its body.
   * @throws HubError; CheckpointError checkpoint.cancelled
   */
  async get(address: string, asked: Asked = {}): Promise<Answer> {
    const guard = new StallGuard(this.waits.stallMs, this.signal);
    try {
      const { response, linkedEtag } = await this.#follow(new URL(address), asked, guard);
      await this.#validate(response, asked);
      return { response, linkedEtag, guard };
    } catch (error) {
      guard.stop();
      throw this.explain(error, guard);
    }
  }

  /** `fetch` for a client library of the hub: whole small bodies, errors of ours. */
  readonly fetchSmall: typeof fetch = async (input) => {
    const address = typeof input === 'string' || input instanceof URL ? String(input) : input.url;
    const { response, guard } = await this.get(address, { headers: { accept: 'application/json' } });
    try {
      const body = await readUpTo(response, MAX_API_BYTES, guard);
      if (body === undefined)
        throw refused(this.place, `Its answer is longer than ${MAX_API_BYTES} bytes, so it is no listing.`);
      return new Response(body, { status: response.status, headers: response.headers });
    } catch (error) {
      throw this.explain(error, guard);
    } finally {
      guard.stop();
    }
  };

  /** Whatever reading an answer threw, as an error of ours. */
  explain(error: unknown, guard: StallGuard): Error {
    if (this.signal?.aborted === true) return cancelled(this.signal);
    if (error instanceof TakeoffError) return error;
    const what = guard.hasStalled
      ? `Nothing has arrived for ${this.waits.stallMs / 1000} s.`
      : `The connection failed (${reasonOf(error)}).`;
    return unreachable(this.place, what, { cause: error });
  }

  async #follow(start: URL, { headers }: Asked, guard: StallGuard): Promise<Omit<Answer, 'guard'>> {
    let url = start;
    let linkedEtag: string | null = null;
    for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
      const response = await fetch(url.href, {
        redirect: 'manual',
        signal: guard.signal,
        headers: { 'accept-encoding': 'identity', ...headers, ...this.#authorisation(url) },
      });
      linkedEtag ??= response.headers.get('x-linked-etag');
      const location = response.headers.get('location');
      if (!REDIRECTS.includes(response.status) || location === null) return { response, linkedEtag };
      await response.body?.cancel();
      url = this.#next(url, location);
      guard.touch();
    }
    throw refused(this.place, `It answers with more than ${MAX_REDIRECTS} redirects.`);
  }

  #next(from: URL, location: string): URL {
    const next = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
    const isWeb = next?.protocol === 'https:' || next?.protocol === 'http:';
    if (next === undefined || !isWeb || (from.protocol === 'https:' && next.protocol === 'http:'))
      throw refused(this.place, `It redirects from ${from.host} to an address that is not safe to follow.`);
    return next;
  }

  /** Only for the configured hub itself: same scheme, host and port. */
  #authorisation(url: URL): Record<string, string> {
    const { accessToken, endpoint } = this.#access;
    if (accessToken === null || url.origin !== new URL(endpoint).origin) return {};
    return { authorization: `Bearer ${accessToken}` };
  }

  async #validate(response: Response, { accepts = [], file }: Asked): Promise<void> {
    const { status, headers } = response;
    if (status === 200 || status === 206 || accepts.includes(status)) return;
    await response.body?.cancel();
    const errorCode = headers.get('x-error-code');
    if (status === 401 || status === 403) throw denied(this.place, status, errorCode);
    if (status === 404 || status === 410) throw notFound(this.place, errorCode, file ?? null);
    if (status >= 500 || OVERLOADED.includes(status)) {
      const asked = retryAfterMs(headers.get('retry-after'), this.waits.nowMs());
      const what = status === 429 ? 'Too many requests (429).' : `The hub is in trouble (${status}).`;
      throw unreachable(this.place, what, { retryAfterMs: asked });
    }
    throw refused(this.place, `The hub answered with status ${status}.`);
  }
}

/** The body, or undefined when it has more bytes than allowed. */
async function readUpTo(
  response: Response,
  maxBytes: number,
  guard: StallGuard,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of bodyOf(response)) {
    guard.touch();
    bytes += piece.length;
    if (bytes > maxBytes) return undefined;
    pieces.push(piece);
  }
  return new Uint8Array(Buffer.concat(pieces));
}

/** The pieces of a body; leaving the loop early cancels it. */
export function bodyOf(response: Response): AsyncIterable<Uint8Array> {
  return response.body ?? emptyBody();
}

async function* emptyBody(): AsyncIterable<Uint8Array> {
  // An answer without a body has no pieces.
}

/** The system's code (ECONNREFUSED, ENOTFOUND, UND_ERR_SOCKET) where there is one: fetch hides it one level down. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error ? error.cause : error;
  return 'code' in inner && typeof inner.code === 'string' ? inner.code : inner.message;
}

// Sends one request and gives back an answer that is a success. Sends it again where that is safe.
import type { CallScope } from './call-scope.js';
import { InvalidInputError } from './errors.js';
import { connectionError, errorOfResponse } from './failure.js';
import type { FormBytes } from './form-bytes.js';
import type { Fetch } from './options.js';
import { retryDelayMs } from './retry-delay.js';

export interface TransportOptions {
  readonly apiKey: string | undefined;
  readonly retries: number;
  readonly fetch: Fetch | undefined;
}

export interface OutgoingRequest {
  readonly url: string;
  /** JSON text or a form. */
  readonly body?: string | FormData | FormBytes;
  /** Without it, POST where there is a body and GET where there is none. */
  readonly method?: 'DELETE';
}

export class Transport {
  readonly #headers: Readonly<Record<string, string>>;
  readonly #retries: number;
  readonly #fetch: Fetch;

  /** @throws InvalidInputError */
  constructor({ apiKey, retries, fetch }: TransportOptions) {
    if (!Number.isInteger(retries) || retries < 0)
      throw new InvalidInputError(`retries is ${retries}; allowed is a whole number from 0.`);
    this.#headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
    this.#retries = retries;
    // globalThis.fetch is looked up at each call, because tests and polyfills replace it, and is called on globalThis, because
    // browsers demand it.
    this.#fetch = fetch ?? ((url, init) => globalThis.fetch(url, init));
  }

  /**
   * @throws TakeoffClientError
   * @throws the reason of the scope's signal
   */
  async send(request: OutgoingRequest, scope: CallScope): Promise<Response> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.sendOnce(request, scope);
      } catch (failure) {
        const delayMs = attempt < this.#retries ? retryDelayMs(failure, attempt, Math.random()) : null;
        if (delayMs === null) throw failure;
        await scope.pause(delayMs);
      }
    }
  }

  /** Without a second try. */
  async sendOnce({ url, body, method }: OutgoingRequest, scope: CallScope): Promise<Response> {
    const { signal } = scope;
    signal.throwIfAborted();
    scope.expectWord();
    const sent = this.#fetch(url, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      ...this.#withBody(body),
      signal,
      // A redirect would send the image to an address that the caller did not name.
      redirect: 'error',
    });
    const response = await whileOpen(sent, scope, (error) => connectionError(error, url));
    scope.expectWord();
    if (response.ok) return response;
    throw await whileOpen(errorOfResponse(response), scope);
  }

  #withBody(body: OutgoingRequest['body']): Pick<RequestInit, 'headers' | 'body'> {
    const headers = this.#headers;
    if (body === undefined) return { headers };
    if (typeof body === 'string')
      return { headers: { ...headers, 'content-type': 'application/json' }, body };
    if ('bytes' in body)
      return { headers: { ...headers, 'content-type': body.contentType }, body: body.bytes };
    // The runtime writes the type of a form, because it chooses the boundary.
    return { headers, body };
  }
}

/** Awaits a read of the answer. When the call was ended meanwhile, rejects with that reason instead of the read's error. */
export function whileOpen<T>(
  reading: Promise<T>,
  { signal }: CallScope,
  explain: (error: unknown) => unknown = (error) => error,
): Promise<T> {
  return reading.catch((error: unknown) => {
    signal.throwIfAborted();
    throw explain(error);
  });
}

// A fetch that tells how much of its body has left. Browsers tell that of XMLHttpRequest only, so requests with a large
// form go through one; its answer is handed on piece by piece as it arrives. Everything else is the browser's own fetch.
import type { Fetch } from 'takeoff-client';

export interface UploadProgress {
  /** From 0 to 1. */
  readonly fraction: number;
}

export const fetchWithProgress =
  (onProgress: (progress: UploadProgress) => void): Fetch =>
  (url, init) => {
    if (isWorthWatching(init.body)) return sendWatched(url, init, init.body, onProgress);
    onProgress({ fraction: 1 });
    return fetch(url, init);
  };

/** Less is sent at once on any line, and answered a little sooner without the other machinery. */
const WATCHED_BYTES = 256 * 1024;

type Watched = FormData | Uint8Array<ArrayBuffer>;

function isWorthWatching(body: unknown): body is Watched {
  if (body instanceof Uint8Array) return body.length >= WATCHED_BYTES;
  if (!(body instanceof FormData)) return false;
  return [...body.values()].some((part) => part instanceof Blob && part.size >= WATCHED_BYTES);
}

function sendWatched(
  url: string,
  { headers, signal }: RequestInit,
  body: Watched,
  onProgress: (progress: UploadProgress) => void,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    new Headers(headers).forEach((value, name) => request.setRequestHeader(name, value));
    request.upload.onprogress = ({ loaded, total }) => {
      if (total > 0) onProgress({ fraction: loaded / total });
    };
    request.upload.onload = () => onProgress({ fraction: 1 });
    const arriving = new ArrivingBody(request);
    signal?.addEventListener('abort', () => {
      request.abort();
      const reason: unknown = signal.reason;
      arriving.fail(reason);
      reject(reason instanceof Error ? reason : new DOMException('Aborted', 'AbortError'));
    });
    request.onreadystatechange = () => {
      if (request.readyState === XMLHttpRequest.HEADERS_RECEIVED)
        resolve(responseOf(request, arriving.stream));
      if (request.readyState === XMLHttpRequest.LOADING) arriving.push();
    };
    request.onload = () => arriving.end();
    request.onerror = () => {
      const error = new TypeError('the connection broke');
      arriving.fail(error);
      reject(error);
    };
    request.send(body);
  });
}

/** The body of a request's answer as a stream of bytes, fed from its text. */
class ArrivingBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #request: XMLHttpRequest;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Characters of the text that were handed on. */
  #handedOn = 0;

  constructor(request: XMLHttpRequest) {
    this.#request = request;
    this.stream = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#controller = undefined;
        request.abort();
      },
    });
  }

  push(): void {
    const { responseText } = this.#request;
    if (responseText.length === this.#handedOn) return;
    this.#controller?.enqueue(this.#encoder.encode(responseText.slice(this.#handedOn)));
    this.#handedOn = responseText.length;
  }

  end(): void {
    this.push();
    this.#controller?.close();
    this.#controller = undefined;
  }

  fail(error: unknown): void {
    this.#controller?.error(error);
    this.#controller = undefined;
  }
}

const HEADERS = ['content-type', 'retry-after', 'x-request-id'];

function responseOf(request: XMLHttpRequest, body: ReadableStream<Uint8Array>): Response {
  const headers = new Headers();
  for (const name of HEADERS) {
    const value = request.getResponseHeader(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(body, { status: request.status, statusText: request.statusText, headers });
}

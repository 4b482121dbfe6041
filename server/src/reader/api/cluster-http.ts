// Requests to the one host that the operator named for a reader. The rules are those of the fetcher of images for hosts that the operator
// names: the address may be private, no redirect is followed, no proxy, cookie or credential of the surroundings takes part, nothing is
// decompressed, headers are bounded. Two differ, because no client has a say in the host: connections are kept, and its name is
// resolved anew for each of them, so that a cluster may move; there is no policy of addresses that a changed answer could get around.
import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { ClusterError, Defect } from '../../errors.js';

export interface ClusterHttpOptions {
  /** Base of the API: only its host is ever asked. */
  readonly base: URL;
  /** Shown as a bearer token; null: none. */
  readonly apiKey: string | null;
  /** Kept while nothing is asked. */
  readonly maxIdleConnections: number;
}

export interface ClusterRequest {
  readonly url: URL;
  readonly signal: AbortSignal;
  /** JSON; absent: a GET request. */
  readonly body?: string;
  /** For whoever follows a request through the logs of both sides. */
  readonly requestId?: string;
}

/** Attack: endless headers. Largest real value: some kilobytes of a proxy in front. */
const MAX_HEADER_BYTES = 16_384;
/** A host that is there answers within a round trip. */
const CONNECT_TIMEOUT_MS = 10_000;

export class ClusterHttp {
  readonly #options: ClusterHttpOptions;
  readonly #agent: HttpAgent;

  constructor(options: ClusterHttpOptions) {
    const { base, maxIdleConnections } = options;
    this.#options = options;
    const kept = { keepAlive: true, maxFreeSockets: maxIdleConnections };
    this.#agent = base.protocol === 'https:' ? new HttpsAgent(kept) : new HttpAgent(kept);
  }

  /**
   * Resolves with the response when its headers are there, whatever its status. The signal ends it, and the reading of the body.
   * @throws ClusterError cluster.unreachable, or the signal's reason
   */
  async ask(request: ClusterRequest): Promise<IncomingMessage> {
    try {
      return await this.#askOnce(request);
    } catch (error) {
      // A kept connection that the server closed as it was used again: nothing of the request has been looked at.
      if (!(error instanceof StaleConnection)) throw error;
      return this.#askOnce(request);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #askOnce({ url, signal, body, requestId }: ClusterRequest): Promise<IncomingMessage> {
    const { base, apiKey } = this.#options;
    if (url.origin !== base.origin) throw new Defect('A reader asked a host that nobody named.');
    signal.throwIfAborted();
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    return new Promise((resolve, reject) => {
      const request = send(url, {
        agent: this.#agent,
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          accept: body === undefined ? 'application/json' : 'text/event-stream, application/json',
          'accept-encoding': 'identity',
          'user-agent': 'takeoff',
          ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
          ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
        },
        maxHeaderSize: MAX_HEADER_BYTES,
        signal,
      });
      request.once('socket', (socket) => {
        if (!socket.connecting) return;
        const deadline = setTimeout(() => request.destroy(new ConnectTimeout()), CONNECT_TIMEOUT_MS);
        for (const event of ['connect', 'close'] as const) socket.once(event, () => clearTimeout(deadline));
      });
      request.once('response', resolve);
      // Stays for the life of the request: an error after the response belongs to the body, whose reader sees it.
      request.on('error', (error) => {
        if (signal.aborted) reject(abortReason(signal));
        else reject(request.reusedSocket && isReset(error) ? new StaleConnection() : unreachable(error));
      });
      request.end(body);
    });
  }
}

class StaleConnection extends ClusterError {
  constructor() {
    super('cluster.unreachable', 'The cluster closed a connection that was kept.');
  }
}

class ConnectTimeout extends ClusterError {
  constructor() {
    super('cluster.unreachable', `no connection within ${CONNECT_TIMEOUT_MS} ms`);
  }
}

const isReset = (error: Error): boolean =>
  'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');

/** @param why what the system says; holds addresses, and is for the operator */
const unreachable = (cause: Error): ClusterError => {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  const why = cause instanceof ClusterError || code === undefined ? cause.message : code;
  return new ClusterError('cluster.unreachable', `The cluster cannot be reached: ${why}.`, { cause });
};

const abortReason = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new Defect('A request was given up without a reason.');

// For tests only: HTTP clients that send exactly the bytes they are told, when they are told, and keep what they get.
import { connect, type Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { Defect } from '../../../errors.js';

export class RawClient {
  received = '';
  error: Error | undefined;
  isClosed = false;
  readonly socket: Socket;
  readonly #waiters = new Set<() => void>();

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    const wake = (): void => this.#waiters.forEach((waiter) => waiter());
    this.socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString();
      wake();
    });
    this.socket.on('error', (error) => {
      this.error = error;
    });
    this.socket.on('close', () => {
      this.isClosed = true;
      wake();
    });
  }

  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Resolves once the condition holds; it is asked after everything that happens on the connection. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.isClosed)
        throw new Defect(`closed after ${JSON.stringify(this.received)}`, { cause: this.error });
      await new Promise<void>((resolve) => {
        const waiter = (): void => {
          this.#waiters.delete(waiter);
          resolve();
        };
        this.#waiters.add(waiter);
      });
    }
  }

  untilReceived(pattern: RegExp): Promise<void> {
    return this.until(() => pattern.test(this.received));
  }

  untilClosed(): Promise<void> {
    return this.until(() => this.isClosed);
  }
}

/** Clients of one test, ended together. */
export class RawClients {
  readonly #clients: RawClient[] = [];

  /** Lets the application listen on a free port, once, and connects to it. */
  async connect(app: FastifyInstance): Promise<RawClient> {
    if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 });
    const address = app.server.address();
    if (address === null || typeof address === 'string') throw new Defect('The application does not listen.');
    const client = new RawClient(address.port);
    this.#clients.push(client);
    return client;
  }

  end(): void {
    for (const { socket } of this.#clients.splice(0)) socket.destroy();
  }
}

/** The head of a POST request. */
export const head = (path: string, ...headers: string[]): string =>
  [`POST ${path} HTTP/1.1`, 'host: test', ...headers, '', ''].join('\r\n');

/** A whole POST request with a JSON body. */
export function jsonRequest(path: string, body: unknown): string {
  const text = JSON.stringify(body);
  return head(path, 'content-type: application/json', `content-length: ${Buffer.byteLength(text)}`) + text;
}

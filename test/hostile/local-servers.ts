// Servers of a test on the loopback interface, which count their connections.
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class LocalServers {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  /** Connections to all servers together. */
  connections = 0;

  http(listener: RequestListener, host = '127.0.0.1'): Promise<number> {
    return this.#listen(createHttpServer(listener), host);
  }

  /** A TCP server whose connections are handed to `take`. */
  raw(take: (socket: Socket) => void): Promise<number> {
    return this.#listen(createServer(take), '127.0.0.1');
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers.splice(0)) server.close();
  }

  async #listen(server: Server, host: string): Promise<number> {
    this.#servers.push(server);
    server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return (server.address() as AddressInfo).port;
  }
}

// A program that runs inside a network namespace and opens sockets there for the test. A socket belongs to the namespace in which it
// was opened, whichever process holds it, so listening sockets are handed to the test's process over Node's IPC channel.
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

export type DoorRequest =
  | { readonly kind: 'listen'; readonly port: number }
  | { readonly kind: 'bind'; readonly address: string; readonly port: number }
  | { readonly kind: 'dial'; readonly address: string; readonly port: number };

/** To `dial`: `connected`, or the code of the system's error. To the others: `opened`, with the socket. */
export type DoorAnswer = string;

process.on('message', (message) => {
  const request = message as DoorRequest;
  if (request.kind === 'listen') listen(request.port);
  else if (request.kind === 'bind') bind(request.address, request.port);
  else dial(request.address, request.port);
});
// The test's process has ended.
process.on('disconnect', () => process.exit(0));

/** Listens on every address of both families. */
function listen(port: number): void {
  const server = createServer();
  server.listen({ host: '::', port, ipv6Only: false }, () => {
    process.send?.('opened', server, () => server.close());
  });
}

function bind(address: string, port: number): void {
  const socket = createSocket('udp4');
  socket.bind(port, address, () => {
    process.send?.('opened', socket, () => socket.close());
  });
}

/** Connects, answers with the outcome, and closes the connection. */
function dial(address: string, port: number): void {
  const socket = connect({ host: address, port, timeout: 20_000 });
  const answer = (text: DoorAnswer): void => {
    process.send?.(text);
    socket.destroy();
  };
  socket.once('connect', () => answer('connected'));
  socket.once('timeout', () => answer('ETIMEDOUT'));
  socket.once('error', (error: NodeJS.ErrnoException) => answer(error.code ?? error.message));
}

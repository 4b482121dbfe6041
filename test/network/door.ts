// A program that runs inside a network namespace and opens its sockets. A socket stays in the namespace that it was opened in,
// whichever process holds it: listening ones are handed to the process outside, which asks for them over node's channel.
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
// The process outside has gone.
process.on('disconnect', () => process.exit(0));

/** On every address of both families. */
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

/** Connects and says no more. */
function dial(address: string, port: number): void {
  const socket = connect({ host: address, port, timeout: 2000 });
  const answer = (text: DoorAnswer): void => {
    process.send?.(text);
    socket.destroy();
  };
  socket.once('connect', () => answer('connected'));
  socket.once('timeout', () => answer('ETIMEDOUT'));
  socket.once('error', (error: NodeJS.ErrnoException) => answer(error.code ?? error.message));
}

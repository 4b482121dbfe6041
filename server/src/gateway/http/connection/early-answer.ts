// Answers a request whose body is still arriving. A server that closes a connection with unread bytes in it resets it, and the
// client loses an answer that it had not read yet; many clients send everything before they read anything. So the answer is
// written whole, what still comes is read to nowhere, and only then does the response end.
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LINGER_BYTES, LINGER_MS } from './http-limits.js';

/** Whether the client may still be sending the body of this request. */
export const isStillArriving = ({ raw }: FastifyRequest): boolean =>
  !raw.complete && !raw.readableEnded && !raw.destroyed;

/** Sends the JSON text with the status and headers of the reply. Resolves when the body has ended or was cut. */
export async function answerEarly(request: FastifyRequest, reply: FastifyReply, json: string): Promise<void> {
  const response = reply.raw;
  reply.removeHeader('connection').hijack();
  response.statusCode = reply.statusCode;
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) response.setHeader(name, value);
  }
  response.setHeader('content-length', Buffer.byteLength(json));
  response.write(json);
  await discardRest(request.raw);
  response.end();
}

/** Reads the rest of a body to nowhere within bounds, and cuts the connection of a client that goes over them. */
async function discardRest(raw: IncomingMessage): Promise<void> {
  raw.unpipe();
  await new Promise<void>((resolve) => {
    let discardedBytes = 0;
    const cut = (): void => void raw.socket.destroy();
    const timer = setTimeout(cut, LINGER_MS);
    const finish = (): void => {
      clearTimeout(timer);
      resolve();
    };
    raw.on('data', (chunk: Buffer) => {
      discardedBytes += chunk.length;
      if (discardedBytes > LINGER_BYTES) cut();
    });
    raw.once('end', finish);
    raw.once('close', finish);
    raw.resume();
  });
}

// Answers what Node's parser refuses, where there is no request object of the framework: bytes that are no HTTP, oversized
// headers, requests that arrive too slowly. A connection with an answer on its way is only cut, not written into.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { ERROR_CODES, type ErrorCode } from 'takeoff-wire';
import type { ErrorBodyWriter } from './public-error.js';

/** The latest response of each connection. */
const responses = new WeakMap<Socket, ServerResponse>();

export function trackResponses(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    responses.set(request.raw.socket, reply.raw);
    done();
  });
}

type ParserError = Error & { readonly code?: string };

export const clientErrorHandler =
  (writeBody: ErrorBodyWriter) =>
  (error: ParserError, socket: Socket): void =>
    answerClientError(error, socket, writeBody);

function answerClientError(error: ParserError, socket: Socket, writeBody: ErrorBodyWriter): void {
  const response = responses.get(socket);
  const isAnswering = response !== undefined && response.headersSent && !response.writableFinished;
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) {
    socket.destroy();
    return;
  }
  const [code, message] = CLIENT_ERRORS[error.code ?? ''] ?? CLIENT_ERROR_DEFAULT;
  const { status } = ERROR_CODES[code];
  const body = JSON.stringify(writeBody({ code, message }));
  socket.write(
    `HTTP/1.1 ${status} ${REASON_PHRASES[status] ?? 'Error'}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  socket.destroySoon();
}

type CodeAndMessage = readonly [ErrorCode, string];
const CLIENT_ERRORS: Readonly<Record<string, CodeAndMessage>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [
    'request.timeout',
    'The request did not arrive completely in time. The operator can raise request_timeout_ms (TAKEOFF_REQUEST_TIMEOUT_MS).',
  ],
  HPE_HEADER_OVERFLOW: ['request.headers_too_large', 'The headers of the request have more than 16 KiB.'],
};
const CLIENT_ERROR_DEFAULT: CodeAndMessage = ['request.malformed', 'The request is not valid HTTP.'];
const REASON_PHRASES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

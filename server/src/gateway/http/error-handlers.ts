// Every way in which a request can fail, answered with the one JSON body: errors of handlers, unknown addresses, broken paths,
// and bytes that are no HTTP at all.
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ERROR_CODES, type ErrorBody, type ErrorCode } from 'takeoff-wire';
import { InputError } from '../../errors.js';
import { publicError } from './public-error.js';

export function addErrorHandlers(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    answerError(
      new InputError('request.not_found', `There is no ${request.method} ${pathOf(request.url)} here.`),
      request,
      reply,
    ),
  );
}

export async function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { status, body, retryAfterSeconds } = publicError(error);
  if (status === 500) request.log.error({ err: error }, 'request failed');
  else request.log.info({ code: body.error.code }, 'request refused');
  if (retryAfterSeconds !== null) reply.header('retry-after', retryAfterSeconds);
  await reply.code(status).type('application/json; charset=utf-8').send(body);
}

/** Query strings can carry secrets and are neither logged nor repeated. */
export const pathOf = (url: string): string => url.split('?', 1)[0] ?? '';

/** Answers what Node's parser refused, where there is no request object: bad bytes, oversized headers, too slow. */
export function answerClientError(error: FastifyError | NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const [code, message] = CLIENT_ERRORS[error.code ?? ''] ?? CLIENT_ERROR_DEFAULT;
  const { status } = ERROR_CODES[code];
  const body = JSON.stringify({ error: { code, message } } satisfies ErrorBody);
  socket.end(
    `HTTP/1.1 ${status} ${REASON_PHRASES[status] ?? 'Error'}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

type CodeAndMessage = readonly [ErrorCode, string];
const CLIENT_ERRORS: Readonly<Record<string, CodeAndMessage>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['request.timeout', 'The request did not arrive completely in time.'],
  HPE_HEADER_OVERFLOW: ['request.headers_too_large', 'The headers of the request have more than 16 KiB.'],
};
const CLIENT_ERROR_DEFAULT: CodeAndMessage = ['request.malformed', 'The request is not valid HTTP.'];
const REASON_PHRASES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

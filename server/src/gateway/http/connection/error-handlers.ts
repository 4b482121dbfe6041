// Every way in which a request can fail, answered with the JSON body of its API: errors of handlers, unknown addresses, broken
// paths. Bytes that are no HTTP at all are client-errors.ts.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { InputError } from '../../../errors.js';
import { answerEarly, isStillArriving } from './early-answer.js';
import { noteErrorCode } from './error-code.js';
import { publicError, type ErrorBodyWriter } from './public-error.js';

export function addErrorHandlers(app: FastifyInstance, writeBody: ErrorBodyWriter): void {
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, writeBody));
  app.setNotFoundHandler((request, reply) =>
    answerError(
      new InputError('request.not_found', `There is no ${request.method} ${pathOf(request.url)} here.`),
      request,
      reply,
      writeBody,
    ),
  );
}

export async function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  writeBody: ErrorBodyWriter,
): Promise<void> {
  const { status, code, message, field, retryAfterSeconds } = publicError(error);
  noteErrorCode(request, code);
  const body = writeBody({ code, message, field });
  if (status === 500) request.log.error({ err: error }, 'request failed');
  else request.log.info({ code }, 'request refused');
  if (retryAfterSeconds !== null) reply.header('retry-after', retryAfterSeconds);
  reply.code(status).type('application/json; charset=utf-8');
  if (isStillArriving(request)) return answerEarly(request, reply, JSON.stringify(body));
  // The framework means to close after any body that was refused; this one has been read.
  await reply.removeHeader('connection').send(body);
}

/** Query strings can carry secrets and are neither logged nor repeated. */
export const pathOf = (url: string): string => url.split('?', 1)[0] ?? '';

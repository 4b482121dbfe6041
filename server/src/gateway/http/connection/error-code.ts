// Which error a request ended with, for its line in the log and for metrics: noted by whoever answers it, asked when it is over.
import type { FastifyRequest } from 'fastify';
import type { ErrorCode } from 'takeoff-wire';

const codes = new WeakMap<FastifyRequest, ErrorCode>();

export const noteErrorCode = (request: FastifyRequest, code: ErrorCode): void =>
  void codes.set(request, code);

/** Undefined for a request that did not fail. */
export const errorCodeOf = (request: FastifyRequest): ErrorCode | undefined => codes.get(request);

// The error classes of the server. A class answers "who must act?"; the code says what happened. Codes that reach a client
// are those of wire; operator codes (checkpoint, hub, config, native) end in a log line, an exit code or a dead reader.
import type { ErrorCode } from 'takeoff-wire';

export type OperatorCode =
  | 'checkpoint.missing'
  | 'checkpoint.unreadable'
  | 'checkpoint.malformed'
  | 'checkpoint.unsupported'
  | 'checkpoint.incomplete'
  | 'checkpoint.cancelled'
  | 'hub.unreachable'
  | 'hub.denied'
  | 'hub.not_found'
  | 'hub.refused'
  | 'hub.corrupt'
  | 'hub.offline'
  | 'config.invalid'
  | 'command.incomplete'
  | 'command.interrupted'
  | 'native.library_missing'
  | 'native.library_mismatch'
  | 'native.call_failed'
  | 'native.device_missing'
  | 'native.device_lost'
  | 'native.out_of_memory'
  | 'defect';

export type Details = Readonly<Record<string, string | number | boolean | null>>;

interface ErrorOptionsWithDetails {
  readonly cause?: unknown;
  readonly details?: Details;
}

/** Base of all thrown errors. `message` says what was got and what is allowed, for a person. */
export class TakeoffError<C extends ErrorCode | OperatorCode = ErrorCode | OperatorCode> extends Error {
  readonly code: C;
  readonly details: Details;

  constructor(code: C, message: string, options: ErrorOptionsWithDetails = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** The caller must change the request: 4xx. */
export class InputError extends TakeoffError<ErrorCode> {}

/** The caller must show who they are, 401, or may not do it at all, 403. */
export class AuthError extends TakeoffError<Extract<ErrorCode, `auth.${string}`>> {}

/** Nobody is at fault; the same request may succeed later: 503 with Retry-After. */
export class CapacityError extends TakeoffError<ErrorCode> {
  readonly retryAfterMs: number;
  constructor(code: ErrorCode, message: string, retryAfterMs: number, options: ErrorOptionsWithDetails = {}) {
    super(code, message, options);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The reader that worked on the request is gone or failed: 503, or 500 for a defect of ours. */
export class ReaderError extends TakeoffError<ErrorCode> {}

/** A cluster behind a reader did not do its part; what its words say is in the message, without any key. */
export class ClusterError extends TakeoffError<Extract<ErrorCode, `cluster.${string}`>> {}
/** The operator must act on a model's files. The message names file and tensor. */
export class CheckpointError extends TakeoffError<Extract<OperatorCode, `checkpoint.${string}`>> {}

/** The model hub did not deliver. `hub.unreachable` may pass by itself; for the other codes the operator must act. */
export class HubError extends TakeoffError<Extract<OperatorCode, `hub.${string}`>> {}

/** The operator must act on a flag, variable or configuration key; the program exits with 2. */
export class ConfigError extends TakeoffError<'config.invalid'> {
  constructor(message: string, options: ErrorOptionsWithDetails = {}) {
    super('config.invalid', message, options);
  }
}

/** A command ended before everything was done; what it did is kept, and the message says what is left. */
export class CommandError extends TakeoffError<Extract<OperatorCode, `command.${string}`>> {}

/** A C function failed; the message names it, its return code and the state left behind. */
export class NativeError extends TakeoffError<Extract<OperatorCode, `native.${string}`>> {}

/** A broken invariant of ours. Kills the reader it happens in, never the gateway. */
export class Defect extends TakeoffError<'defect'> {
  constructor(message: string, options: ErrorOptionsWithDetails = {}) {
    super('defect', message, options);
  }
}
